document.documentElement.classList.add("scripted");
// Words typed into a filter leave the rows that have them all.
for (const input of document.querySelectorAll("input[data-filters]")) {
  const table = document.querySelector(`[data-filter="${input.dataset.filters}"]`);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    for (const body of table.tBodies) {
      let shown = 0;
      for (const row of body.rows) {
        if (row.classList.contains("group")) continue;
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      body.hidden = shown === 0;
    }
  });
}
// A link to a case opens it; paper has no folds.
const unfold = () => document.querySelector(location.hash || "none")?.closest("details")?.setAttribute("open", "");
addEventListener("hashchange", unfold);
unfold();
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details:not([open])")) {
    fold.open = true;
    fold.dataset.folded = "";
  }
});
addEventListener("afterprint", () => {
  for (const fold of document.querySelectorAll("details[data-folded]")) {
    fold.open = false;
    delete fold.dataset.folded;
  }
});
