"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const tasks = JSON.parse(at("tasks").textContent);
  const figures = [...at("domains").children];
  const sliders = [...document.querySelectorAll("input[id^=direction]")];
  let asking = null;

  const query = (task) => new URLSearchParams({
    task,
    seed: at("seed").value || 0,
    truncation: at("truncation").value,
    amounts: sliders.map((slider) => slider.value).join(","),
  });
  const tell = (text) => {
    at("error").textContent = text;
    at("error").hidden = !text;
  };
  const renew = async () => {
    asking?.abort();
    const { signal } = asking = new AbortController();
    const begun = performance.now();
    const slow = setTimeout(() => { at("status").textContent = "preparing the networks …"; }, 1500);
    figures.forEach((figure) => figure.classList.add("waiting"));
    try {
      for (const [task, figure] of figures.entries()) {
        const answer = await fetch(`/generated?${query(task)}`, { signal });
        if (!answer.ok) throw new Error(await answer.text());
        const image = figure.querySelector("img");
        if (image.src) URL.revokeObjectURL(image.src);
        image.src = URL.createObjectURL(await answer.blob());
        figure.classList.remove("waiting");
      }
      tell("");
      at("status").textContent = `${((performance.now() - begun) / 1000).toFixed(2)} s for ${tasks.length} images`;
    } catch (error) {
      if (signal.aborted) return;
      tell(error instanceof TypeError ? "The studio's server does not respond. Start it again, then go on." : error.message);
    } finally {
      clearTimeout(slow);
    }
  };
  let timer = 0;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(renew, 80);
  };
  for (const input of document.querySelectorAll("input")) input.addEventListener("input", soon);
  at("another").addEventListener("click", () => {
    at("seed").value = Math.floor(Math.random() * 1e9);
    renew();
  });
  at("reset").addEventListener("click", () => {
    for (const slider of sliders) slider.value = 0;
    at("truncation").value = 0.7;
    renew();
  });
  figures.forEach((figure, task) => figure.querySelector("button").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = figure.querySelector("img").src;
    link.download = `${tasks[task]}-${at("seed").value}.png`;
    link.click();
  }));
  renew();
})();
