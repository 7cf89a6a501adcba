/* Runs in the browser: what is wrong with how a page looks. The last value is what is found. */

/** Whatever is cut off, hidden beneath something else, or makes the page scroll sideways. */
function misplaced() {
  const nameOf = (element) => `${element.localName} «${element.textContent?.trim().slice(0, 40)}»`;
  const problems = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) problems.push(`the page is ${scrollWidth} wide, and ${clientWidth} are there`);
  const shown = [
    ...document.querySelectorAll('h1, h2, h3, h4, p, dt, dd, pre, summary, .pill, figcaption, svg.curve, .commands li'),
  ].filter((element) => element.checkVisibility());
  const boxes = shown.map((element) => ({ element, box: element.getBoundingClientRect() }));
  for (const [at, { element, box }] of boxes.entries()) {
    if (box.left < 0 || box.right > clientWidth + 0.5) problems.push(`${nameOf(element)} sticks out`);
    for (const other of boxes.slice(at + 1)) {
      if (element.contains(other.element) || other.element.contains(element)) continue;
      const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
      const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
      if (across > 1 && down > 1) problems.push(`${nameOf(element)} and ${nameOf(other.element)} overlap`);
    }
  }
  return problems;
}

/** Text with less contrast to what is behind it than WCAG 2's AA asks for (4.5 to 1). */
function faint() {
  const parse = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (rgb) =>
    rgb
      .slice(0, 3)
      .map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
      .reduce((sum, part, at) => sum + part * ([0.2126, 0.7152, 0.0722][at] ?? 0), 0);
  const behind = (element) => {
    if (!element) return [255, 255, 255];
    const colour = parse(getComputedStyle(element).backgroundColor);
    return colour.length === 3 || (colour[3] ?? 0) > 0 ? colour : behind(element.parentElement);
  };
  const withText = [...document.querySelectorAll('body *')].filter(
    (element) => element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
  );
  return withText.flatMap((element) => {
    const [lower = 0, higher = 0] = [luminance(parse(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => a - b);
    const contrast = (higher + 0.05) / (lower + 0.05);
    return contrast >= 4.5
      ? []
      : [`${contrast.toFixed(1)}: ${element.localName}.${element.className} «${element.textContent?.slice(0, 30)}»`];
  });
}

({ misplaced: misplaced(), faint: faint() });
