"""The machine and the build that the figures belong to, and how to get them again."""
from .text import escape, figure, is_number, milliseconds, words

NAMES = {"cpu": "CPU", "cpus": "CPUs", "kernel": "kernel", "compiler": "compiler", "flags": "flags",
         "libc": "C library", "libraries": "libraries", "build_type": "build type",
         "load_average": "load average at the start"}


def _value(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(_value(item) for item in value)
    if value is None or value == "":
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _programs(stress, bench):
    for data in (stress, bench):
        if data:
            environment = data.get("environment")
            yield (words(data.get("program"), "?"), environment if isinstance(environment, dict) else {})


def _table(stress, bench):
    programs = list(_programs(stress, bench))
    keys = list(dict.fromkeys(list(NAMES) + [key for _, env in programs for key in env]))
    rows = []
    for key in keys:
        values = [(program, _value(env[key])) for program, env in programs if key in env]
        if not values:
            continue
        if len({value for _, value in values}) == 1:
            shown = escape(values[0][1])
        else:
            shown = "<br>".join(f"<small>{escape(program)}</small> {escape(value)}"
                                for program, value in values)
        name = NAMES.get(key, key.replace("_", " "))
        rows.append(f'<tr><th scope="row">{escape(name)}</th><td>{shown}</td></tr>')
    return f'<table class="environment"><tbody>{"".join(rows)}</tbody></table>' if rows else ""


def _runs(stress, bench):
    rows = []
    for data in (stress, bench):
        if not data:
            continue
        notes = []
        if is_number(data.get("seconds")):
            notes.append(f"ran {milliseconds(data['seconds'] * 1000)}")
        if is_number(data.get("budget_seconds")):
            notes.append(f"budget {figure(data['budget_seconds'])}\u2009s")
        if data.get("seed") not in (None, ""):
            notes.append(f"seed {data['seed']}")
        if is_number(data.get("repetitions")):
            notes.append(f"{data['repetitions']} repetitions")
        title = f"{words(data.get('program'), '?')} {words(data.get('version'))}".strip()
        rows.append(f"<li><b>{escape(title)}</b> {escape(', '.join(notes))}</li>")
    return f"<ul>{''.join(rows)}</ul>" if rows else ""


def _commands(stress):
    seed = (stress or {}).get("seed")
    again = f" --seed {seed}" if seed not in (None, "") else ""
    lines = (("everything on this page", f"./dev report{again}"),
             ("one case, longer", f"./dev stress -c channel-double-close --budget 60s{again}"),
             ("one collection of the comparison", "./dev bench -c 'channel-*' --budget 60s"))
    rows = "".join(f"<dt>{escape(what)}</dt><dd><code>{escape(command)}</code></dd>"
                   for what, command in lines)
    return f'<dl class="commands">{rows}</dl>'


def section(stress, bench):
    return ('<section id="environment"><h2>Machine and build</h2>' + _table(stress, bench)
            + _runs(stress, bench) + "<h3>Again</h3>" + _commands(stress) + "</section>")
