addEventListener("load", () => {
  const fit = () => document.querySelectorAll("main .math.display").forEach(m => {
    m.style.fontSize = "";
    for (let k = 0, size = 1; k < 4 && m.scrollWidth > m.clientWidth + 1; k++) m.style.fontSize = (size = Math.max(.5, size*m.clientWidth/m.scrollWidth*.99)) + "em"; });
  fit(); addEventListener("resize", fit); });
