document.documentElement.classList.add("scripted");
// Words typed into the filter leave the cases that have them all.
const filter = document.querySelector(".tools input");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const collection of document.querySelectorAll(".collection-cases")) {
    let shown = 0;
    for (const fold of collection.querySelectorAll("details")) {
      const text = fold.firstElementChild.textContent.toLowerCase();
      fold.hidden = !words.every((word) => text.includes(word));
      shown += !fold.hidden;
    }
    collection.hidden = shown === 0;
  }
});
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
