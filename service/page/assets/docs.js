// The API reference, drawn from openapi.json: no library, nothing from elsewhere.

import { byId, element } from "./common.js";

const code = (text) => element("code", {}, text);

class Reference {
  constructor(api) {
    this.api = api;
  }

  resolve(schema) {
    if (!schema.$ref) return schema;
    return this.api.components.schemas[schema.$ref.split("/").pop()];
  }

  // A schema in a few words: "integer 1 to 100, default 9".
  words(schema) {
    if (schema.$ref) return schema.$ref.split("/").pop();
    if (schema.anyOf) return schema.anyOf.map((one) => this.words(one)).join(" or ");
    if (schema.enum) return schema.enum.join(" or ");
    if (schema.const !== undefined) return String(schema.const);
    if (schema.type === "array") return `list of ${this.words(schema.items)}${this.range(schema.minItems, schema.maxItems)}`;
    if (schema.format === "binary") return "file";
    const range = this.range(schema.minimum, schema.maximum) || this.range(schema.minLength, schema.maxLength);
    return `${schema.format || schema.contentMediaType || schema.type || "any JSON"}${range}`;
  }

  range(low, high) {
    if (low === undefined && high === undefined) return "";
    return low === undefined ? `, at most ${high}` : `, ${low} to ${high ?? "any"}`;
  }

  // The examples of a body by their titles; one built from its schema where it gives none.
  examples(content) {
    if (content.example !== undefined) return [["", content.example]];
    const given = Object.entries(content.examples || {}).map(([name, one]) => [name, one.value]);
    return given.length ? given : [["", this.example(content.schema)]];
  }

  example(schema, depth = 0) {
    const whole = this.resolve(schema);
    if (whole.default !== undefined) return whole.default;
    if (whole.anyOf) return this.example(whole.anyOf[0], depth);
    if (whole.const !== undefined) return whole.const;
    if (whole.enum) return whole.enum[0];
    if (whole.type === "array") return depth > 6 ? [] : [this.example(whole.items, depth + 1)];
    if (whole.type === "object") {
      const entries = Object.entries(whole.properties || {});
      return Object.fromEntries(entries.map(([name, item]) => [name, this.example(item, depth + 1)]));
    }
    return { integer: 1, number: 0.5, boolean: true, null: null, string: "text" }[whole.type];
  }

  rows(operation) {
    const rows = (operation.parameters || []).map((item) => [
      item.name, item.in, item.schema, item.required, item.description || item.schema.description,
    ]);
    for (const place of ["form", "json"]) {
      const body = this.body(operation, place);
      for (const [name, schema] of Object.entries(body?.properties || {})) {
        rows.push([name, place, schema, (body.required || []).includes(name), schema.description]);
      }
    }
    return rows;
  }

  // The schema of a request's body, "form" or "json"; undefined where it takes none of the kind.
  body(operation, place) {
    const kind = { form: "multipart/form-data", json: "application/json" }[place];
    const schema = operation.requestBody?.content[kind]?.schema;
    return schema && this.merged(this.resolve(schema));
  }

  // Where there is a choice of forms: the fields of all of them, required where all require them.
  merged(schema) {
    if (!schema.oneOf) return schema;
    const [first, ...others] = schema.oneOf;
    return {
      properties: Object.assign({}, ...schema.oneOf.map((one) => one.properties)),
      required: first.required.filter((name) => others.every((one) => one.required.includes(name))),
    };
  }
}

function table(head, rows) {
  const cells = (tag, values) => element("tr", {}, ...values.map((value) => element(tag, {}, value)));
  const body = element("tbody", {}, ...rows.map((row) => cells("td", row)));
  return element("div", { class: "table" }, element("table", {}, element("thead", {}, cells("th", head)), body));
}

function curl(reference, path, method, operation) {
  const parts = ["curl"];
  if (!["GET", "POST"].includes(method)) parts.push("-X", method);
  const json = operation.requestBody?.content["application/json"];
  if (json) {
    const given = JSON.stringify(reference.examples(json)[0][1]);
    parts.push("-H", "'Content-Type: application/json'", "-d", `'${given}'`);
  }
  const form = reference.body(operation, "form");
  if (form?.properties.person) parts.push("-F", `'person=${form.properties.person.examples[0]}'`);
  for (const [name, schema] of Object.entries(form?.properties || {})) {
    if ((schema.items || schema).format === "binary") parts.push("-F", `${name}=@photo.jpg`);
  }
  const base = new URL(".", document.baseURI).href.replace(/\/$/, "");
  parts.push(`${base}${path.replace(/\{(\w+)\}/g, (_, name) => name.toUpperCase())}`);
  return parts.join(" ");
}

const shown = (value) => element("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));

function problemExample(name, example) {
  return element("details", { class: "problem" }, element("summary", {}, code(name), ` ${example.title}`), shown(example));
}

function operationDetails(reference, path, method, operation) {
  const body = element("div", { class: "body" });
  if (operation.description !== operation.summary) body.append(element("p", {}, operation.description.replaceAll("`", "")));
  body.append(element("h3", {}, "Try it"), element("pre", { tabindex: "0" }, curl(reference, path, method, operation)));
  const rows = reference.rows(operation).map(([name, place, schema, required, says]) => [
    code(name), place, reference.words(schema),
    required ? "required" : `default ${JSON.stringify(schema.default ?? null)}`, (says || "").replaceAll("`", ""),
  ]);
  if (rows.length) body.append(element("h3", {}, "Takes"), table(["Name", "In", "Type", "Default", "Meaning"], rows));
  for (const [status, answer] of Object.entries(operation.responses)) {
    if (status >= "400") continue;
    body.append(element("h3", {}, `Gives ${status}`), element("p", {}, answer.description.replaceAll("`", "")));
    const json = answer.content?.["application/json"];
    for (const [, example] of json ? reference.examples(json) : []) body.append(shown(example));
  }
  const problems = Object.entries(operation.responses)
    .filter(([status]) => status >= "400")
    .flatMap(([status, answer]) => reference.examples(answer.content["application/problem+json"])
      .map(([name, example]) => [status, problemExample(name, example)]));
  if (problems.length) body.append(element("h3", {}, "Problems"), table(["Status", "Type"], problems));
  return element(
    "details", { class: "operation" },
    element(
      "summary", {},
      element("span", { class: "method" }, method),
      element("code", { class: "path" }, path),
      element("span", { class: "says" }, operation.summary),
    ),
    body,
  );
}

function draw(api) {
  const reference = new Reference(api);
  const rooms = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const room = operation.tags?.[0] || "other";
      if (!rooms.has(room)) rooms.set(room, [element("h2", {}, room)]);
      rooms.get(room).push(operationDetails(reference, path, method.toUpperCase(), operation));
    }
  }
  byId("summary").textContent = `${api.info.summary} Errors are application/problem+json (RFC 9457).`;
  byId("operations").replaceChildren(...[...rooms.values()].map((nodes) => element("section", {}, ...nodes)));
}

try {
  const response = await fetch("openapi.json");
  draw(await response.json());
} catch (error) {
  byId("error").textContent = `The reference could not be loaded: ${error.message}`;
}
