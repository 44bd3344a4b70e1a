// Films side by side. Each keeps its own proportions in a square tile; a click opens it.

function draw(grid, tiles, clickable, open) {
  grid.replaceChildren(...tiles.map((tile) => {
    const figure = document.createElement("figure");
    const picture = document.createElement(clickable ? "button" : "div");
    picture.className = "picture";
    const image = document.createElement("img");
    image.src = tile.src;
    image.alt = [tile.title, ...tile.details].join(", ");
    // Thumbnails are squashed to squares: the browser stretches them back.
    image.style.width = `${100 * Math.min(1, tile.aspect)}%`;
    image.style.height = `${100 * Math.min(1, 1 / tile.aspect)}%`;
    picture.append(image);
    if (clickable) {
      picture.type = "button";
      picture.title = "Open this film";
      picture.addEventListener("click", () => open(tile.id));
    }
    const caption = document.createElement("figcaption");
    caption.append(tile.title);
    for (const text of tile.details) {
      const detail = document.createElement("span");
      detail.className = "detail";
      detail.textContent = text;
      caption.append(detail);
    }
    figure.append(picture, caption);
    return figure;
  }));
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  grid.style.setProperty("--tile", `${data.tile}px`);
  grid.classList.toggle("fixed", data.fixed);
  draw(grid, data.tiles, data.clickable, (id) => setTriggerValue("opened", id));
}
