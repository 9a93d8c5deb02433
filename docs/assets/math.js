// Formulas, by the copy of KaTeX that lies beside this file.
document$.subscribe(() => {
  for (const place of document.querySelectorAll(".arithmatex")) {
    const text = place.textContent.trim();
    if (!/^\\[(\[]/.test(text)) continue;
    katex.render(text.slice(2, -2), place, {
      displayMode: text.startsWith("\\["),
      throwOnError: false,
    });
  }
});
