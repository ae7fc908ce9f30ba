"use strict";
// Takes a drawn name as lines, in a hidden field. Without a script the field is empty, and the typed name suffices.
const box = document.getElementById("draw");
const canvas = document.getElementById("canvas");
const field = document.getElementById("drawing");
const pen = canvas.getContext("2d");
let down = false;

function point(event) {
  const at = canvas.getBoundingClientRect();
  const x = Math.round(((event.clientX - at.left) * canvas.width) / at.width);
  const y = Math.round(((event.clientY - at.top) * canvas.height) / at.height);
  return [Math.min(Math.max(x, 0), 599), Math.min(Math.max(y, 0), 199)];
}

function draw(letter, event) {
  const [x, y] = point(event);
  field.value += `${letter}${x} ${y}`;
  if (letter === "M") {
    pen.beginPath();
    pen.moveTo(x, y);
  } else {
    pen.lineTo(x, y);
    pen.stroke();
  }
}

pen.lineWidth = 3;
canvas.addEventListener("pointerdown", (event) => {
  down = true;
  canvas.setPointerCapture(event.pointerId);
  draw("M", event);
});
canvas.addEventListener("pointermove", (event) => {
  if (down) draw("L", event);
});
canvas.addEventListener("pointerup", () => {
  down = false;
});
document.getElementById("clear").addEventListener("click", () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  field.value = "";
});
box.hidden = false;
