// A formula that is wider than its box must be reachable by keyboard to be scrolled.
function markScrollable() {
  for (const box of document.querySelectorAll("div.math > .katex-display")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
addEventListener("load", markScrollable);
addEventListener("resize", markScrollable);
