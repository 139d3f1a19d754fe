"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const tasks = JSON.parse(at("offered").textContent);
  const paper = at("paper");
  const pen = paper.getContext("2d", { willReadFrequently: true });
  const past = [];  // Canvas states for Undo.
  const UNDOS = 30, LARGEST_FILE = 32 * 2 ** 20, SMALL = 128;
  let task = 0, way = 0, colour = "#000000", drawn = false, opened = null;

  const make = (name, properties = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key in element) element[key] = value; else element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
  };
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const chosen = () => tasks[task].ways[way];
  const background = () => chosen().colours[0];
  const tool = () => Number(document.querySelector("input[name=tool]:checked").value);
  const say = (text) => { at("status").textContent = text; };
  const line = (id, text) => {
    at(id).textContent = text;
    at(id).hidden = !text;
  };
  const fail = (error) => {
    say("");
    line("error", error.message);
  };

  // Sends an image as a file. The response is an image file, or the text of an error.
  const ask = async (path, query, body, signal) => {
    const request = body ? { method: "POST", body, signal } : { signal };
    const answer = await fetch(`/${path}?${new URLSearchParams(query)}`, request).catch((error) => {
      throw signal?.aborted ? error : new Error("The studio's server does not respond. Start it again, then go on.");
    });
    if (!answer.ok) throw new Error(await answer.text());
    const blob = await answer.blob();
    blob.before = answer.headers.get("Picture-Size");  // Original size of an image that was scaled.
    return blob;
  };
  const show = (image, blob) => {
    if (image.src) URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(blob);
    image.blob = blob;
  };
  const vanish = (image) => {
    if (image.src) URL.revokeObjectURL(image.src);
    image.removeAttribute("src");
    image.blob = null;
  };
  const save = (blob, name) => {
    const link = make("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  // Not toBlob: Chromium runs it when idle, which takes up to a second.
  const onPaper = () => {
    const bytes = atob(paper.toDataURL("image/png").split(",")[1]);
    return new Blob([Uint8Array.from(bytes, (letter) => letter.charCodeAt(0))], { type: "image/png" });
  };

  // Only one request at a time. If the canvas changes meanwhile, one more request follows with its latest state.
  let asking = false, again = false, timer = 0, comparing = null;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(renew, 80);
  };
  const renew = async () => {
    if (asking) { again = true; return; }
    asking = true;
    if (comparing) comparing.abort();
    const begun = performance.now(), asked = tasks[task];
    const slow = setTimeout(() => say("preparing the network …"), 1500);
    try {
      const blob = await ask("answer", { task, way }, onPaper());
      show(at("answer"), blob);
      at("answer").alt = `Output of ${asked.name} for your input`;
      line("error", "");
      say(`${((performance.now() - begun) / 1000).toFixed(2)} s`);
    } catch (error) {
      vanish(at("answer"));
      fail(error);
    }
    clearTimeout(slow);
    at("answer").classList.toggle("waiting", again);
    asking = false;
    if (again) { again = false; renew(); return; }
    if (pressed(at("all"))) compare();
  };

  const compare = async () => {
    if (comparing) comparing.abort();
    const { signal } = comparing = new AbortController();
    const body = onPaper();
    for (const figure of at("compared").children) figure.classList.add("waiting");
    for (const figure of [...at("compared").children]) {
      try {
        const blob = await ask("answer", { task: figure.dataset.task, way: figure.dataset.way }, body, signal);
        show(figure.querySelector("img"), blob);
        figure.classList.remove("waiting");
      } catch (error) {
        if (signal.aborted) return;
        vanish(figure.querySelector("img"));
        fail(error);
      }
    }
  };
  const places = () => tasks.flatMap((each, number) => each.ways.map((one, which) => {
    const name = one.title ? `${each.name}, ${one.title}` : each.name;
    const image = make("img", { alt: `Output of ${name} for your input` });
    const button = make("button", { type: "button", textContent: "Save", "aria-label": `Save the output of ${name}` });
    button.addEventListener("click", () => image.blob && save(image.blob, `${name}.png`));
    const figure = make("figure", {}, make("figcaption", {}, name, button), image);
    Object.assign(figure.dataset, { task: number, way: which });
    return figure;
  }));

  // The canvas.
  const sized = (width, height) => {
    opened = null;
    line("notice", "");
    paper.width = width;
    paper.height = height;
    const small = Math.max(width, height) <= SMALL;
    for (const one of [paper, at("answer")]) one.classList.toggle("pixels", small);
    at("width").max = Math.ceil(Math.max(width, height) / 6);
  };
  const remember = () => {
    past.push(pen.getImageData(0, 0, paper.width, paper.height));
    if (past.length > UNDOS) past.shift();
  };
  const put = async (blob, isDrawn) => {
    const picture = await createImageBitmap(blob);
    if (paper.width && drawn) remember();
    sized(picture.width, picture.height);
    pen.drawImage(picture, 0, 0);
    drawn = isDrawn;
    soon();
  };
  const clear = () => {
    pen.fillStyle = background();
    pen.fillRect(0, 0, paper.width, paper.height);
    drawn = true;
    soon();
  };
  const open = async (file) => {
    if (!file) return;
    if (file.size > LARGEST_FILE) return fail(new Error("The image file is too large. It may have at most 32 MB."));
    try {
      const blob = await ask("picture", { task, way, full: Number(at("full").checked) }, file);
      await put(blob, true);
      opened = file;
      line("error", "");
      line("notice", scaled(blob.before, `${paper.width} x ${paper.height}`));
    } catch (error) {
      fail(error);
    }
  };
  const scaled = (before, after) => {
    if (before === after) return "";
    const full = at("full").checked;
    const why = full
      ? "images are limited to a megapixel"
      : `${tasks[task].name} learned at this size, where it is best and fast`;
    return `Image scaled from ${before} to ${after}: ${why}.${full ? "" : " Tick “full size” for a larger output."}`;
  };

  let stroke = null;
  const place = (event) => {
    const box = paper.getBoundingClientRect();
    return [(event.clientX - box.left) * paper.width / box.width, (event.clientY - box.top) * paper.height / box.height];
  };
  const draw = (event) => {
    const [x, y] = place(event);
    pen.fillStyle = pen.strokeStyle = tool() === 2 ? background() : colour;
    if (tool() === 1) {
      pen.putImageData(past.at(-1), 0, 0);
      pen.fillRect(Math.min(x, stroke[0]), Math.min(y, stroke[1]), Math.abs(x - stroke[0]), Math.abs(y - stroke[1]));
    } else {
      pen.lineWidth = Number(at("width").value);
      pen.lineCap = pen.lineJoin = "round";
      pen.beginPath();
      pen.moveTo(...stroke);
      pen.lineTo(x, y);
      pen.stroke();
      stroke = [x, y];
    }
    drawn = true;
    soon();
  };
  paper.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    paper.setPointerCapture(event.pointerId);
    remember();
    stroke = place(event);
    draw(event);
  });
  paper.addEventListener("pointermove", (event) => {
    if (stroke) (event.getCoalescedEvents?.() ?? []).concat(event).forEach(draw);
  });
  for (const end of ["pointerup", "pointercancel"]) paper.addEventListener(end, () => { stroke = null; });

  // The controls.
  const colours = () => {
    const swatch = (value) => {
      const button = make("button", { type: "button", title: value, "aria-label": `Draw in ${value}` });
      button.style.background = value;
      button.addEventListener("click", () => pick(value));
      button.dataset.colour = value;
      return button;
    };
    const own = make("input", { type: "color", value: colour, title: "Another colour", "aria-label": "Another colour" });
    own.addEventListener("input", () => pick(own.value));
    at("colours").replaceChildren(...chosen().colours.map(swatch), own);
    pick(chosen().colours.reduce((most, one) => (contrast(one) > contrast(most) ? one : most)));
  };
  const contrast = (value) => [1, 3, 5].reduce((sum, place) => (
    sum + Math.abs(parseInt(value.slice(place, place + 2), 16) - parseInt(background().slice(place, place + 2), 16))
  ), 0);
  const pick = (value) => {
    colour = value;
    at("colours").querySelector("input").value = value;
    for (const one of at("colours").querySelectorAll("button")) one.setAttribute("aria-pressed", one.dataset.colour === value);
    if (tool() === 2) document.querySelector("input[name=tool][value='0']").click();
  };
  const start = async (query) => {
    try {
      await put(await ask("example", query), false);
    } catch (error) {
      vanish(at("answer"));
      fail(error);
    }
  };
  const examples = () => {
    const buttons = Array.from({ length: chosen().examples }, (_, number) => {
      const query = { task, way, number };
      const image = make("img", { alt: "", src: `/example?${new URLSearchParams(query)}` });
      const button = make("button", { type: "button", "aria-label": `Test image ${number + 1} of ${tasks[task].name}` }, image);
      button.addEventListener("click", () => start(query));
      return button;
    });
    at("examples").replaceChildren(...buttons);
    at("examples").parentElement.hidden = !buttons.length;
  };
  const ways = () => {
    const titles = tasks[task].ways.map((one) => one.title);
    const labels = titles.map((title, number) => {
      const input = make("input", { type: "radio", name: "way", value: number, checked: number === way });
      input.addEventListener("change", () => { way = number; choose(); });
      return make("label", {}, input, make("span", { textContent: title }));
    });
    at("ways").replaceChildren(at("ways").querySelector("legend"), ...labels);
    at("ways").hidden = titles.length < 2;
  };
  const choose = () => {
    at("answers").textContent = `Output: ${tasks[task].name}`;
    at("answer").classList.add("waiting");  // Until the new output arrives.
    colours();
    examples();
    if (drawn) return soon();
    if (chosen().examples) return start({ task, way, number: 0 });
    sized(tasks[task].width, tasks[task].height);
    clear();
    drawn = false;
  };

  for (const input of document.querySelectorAll("input[name=task]")) {
    input.addEventListener("change", () => {
      [task, way] = [Number(input.value), 0];
      ways();
      choose();
    });
  }
  at("clear").addEventListener("click", () => { remember(); clear(); });
  at("undo").addEventListener("click", () => {
    const before = past.pop();
    if (!before) return;
    sized(before.width, before.height);
    pen.putImageData(before, 0, 0);
    soon();
  });
  at("open").addEventListener("click", () => at("file").click());
  at("full").addEventListener("change", () => open(opened));
  at("file").addEventListener("change", () => { open(at("file").files[0]); at("file").value = ""; });
  at("save").addEventListener("click", () => at("answer").blob && save(at("answer").blob, `${tasks[task].name}.png`));
  at("save-paper").addEventListener("click", () => save(onPaper(), "picture.png"));
  at("all").addEventListener("click", () => {
    const on = !pressed(at("all"));
    at("all").setAttribute("aria-pressed", on);
    at("all").textContent = on ? "Hide all tasks" : "Show all tasks";
    at("compared").replaceChildren(...(on ? places() : []));
    if (on) compare(); else if (comparing) comparing.abort();
  });
  document.addEventListener("paste", (event) => open([...event.clipboardData.files][0]));
  document.addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
  document.addEventListener("dragleave", () => document.body.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    open(event.dataTransfer.files[0]);
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "z") { event.preventDefault(); at("undo").click(); }
  });

  ways();
  choose();
})();
