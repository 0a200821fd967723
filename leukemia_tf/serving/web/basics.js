"use strict";
// What every part of the page uses: the server's settings, elements, numbers as text.

const settings = JSON.parse(document.getElementById("settings").textContent);

function at(id) { return document.getElementById(id); }

/** Return a new element with properties and content. */
function make(tag, properties = {}, ...content) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...content);
  return element;
}

function counted(count, word) { return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`; }

function grouped(number) { return number.toLocaleString("en-US"); }

/** Resolve after some milliseconds, or at the next `wake`. */
const sleepers = new Set();
function pause(milliseconds) {
  return new Promise(done => {
    const timer = setTimeout(end, milliseconds);
    function end() { clearTimeout(timer); sleepers.delete(end); done(); }
    sleepers.add(end);
  });
}
function wake() { for (const end of [...sleepers]) end(); }

/** Return text for a live region only where it changes: an equal text would be read again. */
function setText(element, text) { if (element.textContent !== text) element.textContent = text; }
