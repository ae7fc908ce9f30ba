// The operations of the document, each drawn when it is opened, and each schema one level at a time.
// Everything that comes from outside is put in as text.
"use strict";

const Viewer = (() => {
  const METHODS = ["get", "post", "put", "patch", "delete"];
  let api;
  let token = "";

  function element(name, attributes = {}, ...children) {
    const found = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    found.append(...children);
    return found;
  }

  /** What a `$ref` stands for. */
  function resolved(value) {
    if (!value || !value.$ref) return value;
    return value.$ref.slice(2).split("/").reduce((at, name) => at[name], api);
  }

  /** Details whose content is made when they are opened for the first time. */
  function lazy(attributes, summary, fill) {
    const found = element("details", attributes, element("summary", {}, ...summary));
    found.addEventListener("toggle", () => found.open && found.childElementCount === 1 && fill(found));
    return found;
  }

  function sentence(schema) {
    if (schema.$ref) return schema.$ref.split("/").pop();
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.join(" | ");
    if (schema.oneOf || schema.anyOf) return (schema.oneOf || schema.anyOf).map(sentence).join(" or ");
    if (schema.type === "array") return `array of ${sentence(schema.items || {})}`;
    return [schema.type || "any", schema.format || ""].join(" ").trim();
  }

  /** A schema as lines, with one that it names to be opened in its turn. */
  function drawSchema(into, given) {
    const schema = resolved(given);
    if (schema.description) into.append(element("p", { class: "quiet" }, schema.description));
    if (schema.pattern) into.append(element("p", { class: "quiet" }, `Pattern: ${schema.pattern}`));
    const alternatives = schema.oneOf || schema.anyOf || [];
    for (const one of alternatives) into.append(drawMember("", one, false));
    const required = new Set(schema.required || []);
    for (const [name, one] of Object.entries(schema.properties || {})) {
      into.append(drawMember(name, one, required.has(name)));
    }
    if (schema.items) into.append(drawMember("each", schema.items, false));
  }

  function drawMember(name, schema, required) {
    const inner = schema.type === "array" && schema.items ? schema.items : schema;
    const words = [element("code", {}, name), ` ${sentence(schema)}${required ? ", required" : ""}`];
    if (schema.description) words.push(element("span", { class: "quiet" }, ` ${schema.description}`));
    const opens = inner.$ref || inner.properties || inner.oneOf || inner.anyOf;
    if (!opens) return element("div", { class: "schema" }, ...words);
    return lazy({ class: "schema" }, words, (into) => drawSchema(into, inner));
  }

  function pretty(value) {
    return typeof value === "string" ? value : JSON.stringify(value, null, 2);
  }

  function drawContent(into, content) {
    for (const [media, about] of Object.entries(content || {})) {
      into.append(element("p", {}, element("code", {}, media)));
      if (about.schema) into.append(drawMember("schema", about.schema, false));
      for (const [name, example] of Object.entries(about.examples || {})) {
        into.append(lazy({}, [`Example: ${name}`], (at) => at.append(element("pre", {}, pretty(example.value)))));
      }
    }
  }

  function drawParameters(into, parameters) {
    if (!parameters.length) return;
    const rows = parameters.map((parameter) => {
      const field = element("input", { name: parameter.name, "data-in": parameter.in, autocomplete: "off" });
      field.required = Boolean(parameter.required);
      const name = element("td", {}, element("code", {}, parameter.name), element("div", { class: "quiet" }, parameter.in));
      const schema = resolved(parameter.schema);
      const words = [parameter.description || "", schema.description || "", schema.enum ? schema.enum.join(" | ") : ""];
      return element("tr", {}, name, element("td", {}, field), element("td", {}, words.filter(Boolean).join(" ")));
    });
    into.append(element("h3", {}, "Parameters"), element("table", {}, element("tbody", {}, ...rows)));
  }

  function drawBody(into, body) {
    const choice = element("select", { name: "media" }, ...Object.keys(body.content).map((m) => element("option", {}, m)));
    const text = element("textarea", { name: "body", spellcheck: "false", "aria-label": "Body" });
    const show = () => {
      const [example] = Object.values(body.content[choice.value].examples || {});
      text.value = example ? pretty(example.value) : "";
    };
    choice.addEventListener("change", show);
    show();
    into.append(element("h3", {}, "Body"), element("p", {}, body.description || ""), choice, text);
    drawContent(into, Object.fromEntries(Object.entries(body.content).map(([m, c]) => [m, { schema: c.schema }])));
  }

  async function send(form, method, path) {
    const query = new URLSearchParams();
    const headers = { Accept: "application/fhir+json" };
    let target = path;
    for (const field of form.querySelectorAll("input[data-in]")) {
      if (!field.value) continue;
      if (field.dataset.in === "path") target = target.replace(`{${field.name}}`, encodeURIComponent(field.value));
      else if (field.dataset.in === "query") query.append(field.name, field.value);
      else headers[field.name] = field.value;
    }
    if (token) headers.Authorization = `Bearer ${token}`;
    const text = form.elements.body && form.elements.body.value;
    if (text) headers["Content-Type"] = form.elements.media.value;
    const url = target.slice(1) + (query.size ? `?${query}` : "");
    const answer = await fetch(url, { method: method.toUpperCase(), headers, body: text || undefined });
    const content = await answer.text();
    let shown = content;
    try {
      shown = pretty(JSON.parse(content));
    } catch {
      // it is not JSON, and shown as it came
    }
    const heads = Array.from(answer.headers, ([name, value]) => `${name}: ${value}`).join("\n");
    return `${answer.status} ${answer.statusText}\n${heads}\n\n${shown}`;
  }

  function drawOperation(into, method, path, operation, shared) {
    if (operation.description) into.append(element("p", {}, operation.description));
    const scopes = (operation.security || []).flatMap((way) => Object.values(way).flat());
    if (scopes.length) into.append(element("p", { class: "quiet" }, `Scopes: ${scopes.join(" ")}`));
    const form = element("form", { class: "try" });
    const inside = element("div");
    drawParameters(inside, [...shared, ...(operation.parameters || [])].map(resolved));
    if (operation.requestBody) drawBody(inside, resolved(operation.requestBody));
    form.append(inside, element("button", {}, "Send"));
    const answer = element("pre", { class: "answer", hidden: "" });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      answer.hidden = false;
      try {
        answer.textContent = await send(form, method, path);
      } catch (error) {
        answer.textContent = `The server cannot be reached: ${error.message}`;
      }
    });
    into.append(form, answer, element("h3", {}, "Answers"));
    for (const [status, given] of Object.entries(operation.responses)) {
      const response = resolved(given);
      const words = [element("code", {}, status), ` ${response.description.split("\n")[0]}`];
      into.append(
        lazy({ class: "response" }, words, (at) => {
          at.append(element("pre", {}, response.description));
          for (const name of Object.keys(response.headers || {})) at.append(element("div", {}, element("code", {}, name)));
          drawContent(at, response.content);
        }),
      );
    }
  }

  function draw() {
    document.getElementById("about").textContent = api.info.description;
    const groups = new Map(api.tags.map(({ name }) => [name, []]));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((m) => item[m])) {
        const operation = item[method];
        const words = [element("span", { class: "method" }, method), element("code", {}, path), operation.summary];
        const id = operation.operationId;
        const found = lazy({ class: "operation", id }, words, (into) =>
          drawOperation(into, method, path, operation, item.parameters || []),
        );
        found.dataset.words = `${method} ${path} ${operation.summary} ${id}`.toLowerCase();
        const [group] = operation.tags;
        groups.set(group, [...(groups.get(group) || []), found]);
      }
    }
    const all = document.getElementById("operations");
    for (const [name, found] of groups) {
      all.append(element("section", {}, element("h2", {}, name), ...found));
    }
    document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
    const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (linked) {
      linked.open = true;
      linked.scrollIntoView();
    }
  }

  function find(text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const section of document.querySelectorAll("#operations section")) {
      const all = Array.from(section.querySelectorAll(".operation"));
      for (const one of all) one.hidden = !words.every((word) => one.dataset.words.includes(word));
      section.hidden = all.every((one) => one.hidden);
    }
  }

  const ready = fetch("openapi.json")
    .then((answer) => answer.json())
    .then((found) => {
      api = found;
      draw();
    });

  return { ready, use: (given) => (token = given) };
})();
