// openapi.yaml, as a judge of real answers: status, head and body.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";

const text = readFileSync(new URL("../../openapi.yaml", import.meta.url), "utf8");
// Anchors are expanded, so that each part can be judged by itself.
export const description = JSON.parse(JSON.stringify(parse(text)));

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(description, "openapi");

/** Which answers of the description have been seen, as "get /v1/metadata 200". */
export const seen = new Set();

export function allAnswers() {
  return Object.entries(description.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => operation.responses)
      .flatMap(([method, { responses }]) => Object.keys(responses).map((status) => `${method} ${path} ${status}`)),
  );
}

/** Fails unless the description has this answer, and it is as described. `body`: text, or null if it was not read. */
export function judge(method, path, { status, headers, body }) {
  const name = `${method.toLowerCase()} ${path} ${status}`;
  const pointer = ["paths", path, method.toLowerCase(), "responses", String(status)];
  const response = resolve(pointer);
  assert.ok(response, `openapi.yaml has no answer ${name}`);
  seen.add(name);

  for (const [header, described] of Object.entries(response.value.headers ?? {})) {
    const { pointer: at, value } = follow([...response.pointer, "headers", header], described);
    const real = headers.get(header);
    assert.ok(real !== null || !value.required, `${name}: the header ${header} is missing`);
    if (real !== null) {
      validate(`${name}: header ${header}`, [...at, "schema"], real);
    }
  }

  const { content } = response.value;
  const type = (headers.get("content-type") ?? "").split(";")[0].trim();
  if (content === undefined) {
    assert.equal(body ?? "", "", `${name}: there is a body, and none is described`);
    return;
  }
  assert.ok(type in content, `${name}: Content-Type is "${type}", and described is ${Object.keys(content)}`);
  if (body !== null && method !== "HEAD") {
    const value = type === "application/json" ? JSON.parse(body) : body;
    validate(`${name}: body`, [...response.pointer, "content", type, "schema"], value);
  }
}

export function validateAs(schema, value) {
  validate(schema, ["components", "schemas", schema], value);
}

function validate(what, pointer, value) {
  const check = ajv.compile({ $ref: `openapi#${pointer.map((part) => `/${escape(part)}`).join("")}` });
  assert.ok(check(value), `${what} is ${JSON.stringify(value)}: ${ajv.errorsText(check.errors)}`);
}

function escape(part) {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

function resolve(pointer) {
  const value = pointer.reduce((node, part) => node?.[part], description);
  return value === undefined ? null : follow(pointer, value);
}

/** What is there, or what it refers to. */
function follow(pointer, value) {
  if (value.$ref === undefined) {
    return { pointer, value };
  }
  return resolve(value.$ref.slice("#/".length).split("/"));
}
