import { inspect } from "node:util";
import { expect, test } from "vitest";
import { CapabilityError, invalidField, invalidResponse, requestFailed } from "./error.ts";

const BODY = { statusCode: 409, error: "Conflict", message: "it is taken", code: "membrane_exists" };

test("it is an Error with the fields of an error answer as its own", () => {
  const error = new CapabilityError(BODY);
  expect(error).toBeInstanceOf(Error);
  expect({ ...error, message: error.message }).toMatchObject(BODY);
  for (const field of ["error", "statusCode", "message", "code", "name"]) {
    expect(Object.hasOwn(error, field), field).toBe(true);
  }
  expect(error.name).toBe("CapabilityError");
  expect(String(error)).toBe("CapabilityError: it is taken");
  expect(error.stack).toContain("CapabilityError: it is taken");
});

test("its JSON is the error answer, also inside other JSON", () => {
  expect(JSON.parse(JSON.stringify(new CapabilityError(BODY)))).toEqual(BODY);
  expect(JSON.parse(JSON.stringify({ error: new CapabilityError(BODY) }))).toEqual({ error: BODY });
});

test("the console shows message and fields", () => {
  const shown = inspect(new CapabilityError(BODY));
  for (const text of ["CapabilityError: it is taken", "statusCode: 409", "error: 'Conflict'"]) {
    expect(shown).toContain(text);
  }
});

test("bad input is a 400 that names the field, as the service would answer it", () => {
  expect(invalidField({ field: "id", expected: "a string" }).toJSON()).toEqual({
    statusCode: 400,
    error: "Bad Request",
    message: "id: expected a string",
    code: "invalid_field",
  });
});

test.each([
  [new Error("connect ECONNREFUSED"), "No answer: connect ECONNREFUSED"],
  [new AggregateError([new Error("by IPv6"), new Error("by IPv4")]), "No answer: by IPv6, by IPv4"],
  ["thrown text", "No answer: unknown"],
])("no response keeps the system's error as its cause: %s", (cause, message) => {
  const error = requestFailed(cause);
  expect(error.toJSON()).toEqual({ statusCode: 0, error: "Request failed", message, code: "request_failed" });
  expect(error.cause).toBe(cause);
});

test("a response that cannot be read has its status and says what was expected", () => {
  expect(invalidResponse(201, { field: "id", expected: "a string" }).toJSON()).toEqual({
    statusCode: 201,
    error: "Parsing response failed",
    message: "The answer is not what a Membrane Service sends: id: expected a string",
    code: "invalid_response",
  });
});

test("without a cause there is none", () => {
  expect("cause" in new CapabilityError(BODY)).toBe(false);
});
