"use strict";
(() => {
  const files = JSON.parse(document.getElementById("pictures").textContent);
  const places = files.map((file) => {
    const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));
    return URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  });
  const show = (image, name) => { image.src = places[name]; };
  for (const image of document.querySelectorAll("img[data-picture]")) show(image, image.dataset.picture);

  for (const slider of document.querySelectorAll(".stage input")) {
    const move = () => slider.parentElement.style.setProperty("--at", `${slider.value}%`);
    slider.addEventListener("input", move);
    move();
  }

  for (const way of document.querySelectorAll(".way")) {
    const [output, input] = way.querySelectorAll(".stage img");
    const picks = way.querySelectorAll(".pick");
    for (const pick of picks) {
      pick.addEventListener("click", () => {
        show(input, pick.dataset.input);
        show(output, pick.dataset.output);
        for (const other of picks) other.setAttribute("aria-pressed", other === pick);
      });
    }
  }

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code);  // A file may not be let near the clipboard.
        button.textContent = "Press Ctrl+C";
      }
    });
  }
})();
