// Colours for the blocks of the plan language: highlight.js does not know it. The words come from the compiler's table (tests/book).
(() => {
  const DECLARATIONS = "use type capability agent policy plan profile test task gate decision hypothesis rule";
  const CLAUSES =
    "alert allow applies approve approver assumes breaker budget by cache call capabilities checks confidence cost deny description dir do each effects else env expect fail failure fallback for from given idempotent input intent judge key keywords kind labels limit limits memory mock needs network on optional options output outputs owner parallel params prior priority provides quorum read refutes reject remember require requires retry risks rollback run runner secrets severity shell supports tasks time timeout tokens tolerate trigger using version when write";
  const either = (words) => words.split(" ").join("|");
  const plan = () => ({
    name: "Plan",
    contains: [
      { className: "comment", begin: /#/, end: /$/ },
      { className: "string", begin: /"/, end: /"/, contains: [{ className: "subst", begin: /\{\{/, end: /\}\}/ }] },
      { className: "keyword", begin: new RegExp(`^ *(${either(DECLARATIONS)})(?=[ "])`) },
      { className: "attr", begin: new RegExp(`^ *(${either(CLAUSES)})(?=:| )`) },
      { className: "attr", begin: /\b(kind|using)(?=:[a-z])/ },
      { className: "subst", begin: /\{\{/, end: /\}\}/ },
      { className: "number", begin: /\$?\b[0-9][0-9_.]*(ms|[smhdwB%]|[KMGT]i?B)?(?![A-Za-z0-9])/ },
      { className: "literal", begin: /\b(true|false|none)\b/ },
    ],
  });
  if (typeof hljs === "undefined") return;
  hljs.registerLanguage("plan", plan);
  for (const block of document.querySelectorAll("code.language-plan")) {
    block.textContent = block.textContent;
    block.classList.remove("hljs");
    (hljs.highlightElement || hljs.highlightBlock)(block);
  }
})();
