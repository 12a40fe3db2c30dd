import { inspect } from "node:util";
import { expect, test } from "vitest";
import { CapabilityError, invalidField, invalidResponse, requestFailed } from "./error.ts";

const BODY = { statusCode: 409, error: "Conflict", message: "it is taken", code: "membrane_exists" };

test("a CapabilityError is an Error with the fields of an error response", () => {
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

test("its JSON is the error response, also within other JSON", () => {
  expect(JSON.parse(JSON.stringify(new CapabilityError(BODY)))).toEqual(BODY);
  expect(JSON.parse(JSON.stringify({ error: new CapabilityError(BODY) }))).toEqual({ error: BODY });
});

test("the console shows its message and its fields", () => {
  const shown = inspect(new CapabilityError(BODY));
  for (const text of ["CapabilityError: it is taken", "statusCode: 409", "error: 'Conflict'"]) {
    expect(shown).toContain(text);
  }
});

test("invalid input is a 400 that names the field, as in the service's response", () => {
  expect(invalidField({ field: "id", expected: "a string" }).toJSON()).toEqual({
    statusCode: 400,
    error: "Bad Request",
    message: "id: expected a string",
    code: "invalid_field",
  });
});

test.each([
  [new Error("connect ECONNREFUSED"), "No response: connect ECONNREFUSED"],
  [new AggregateError([new Error("by IPv6"), new Error("by IPv4")]), "No response: by IPv6, by IPv4"],
  ["thrown text", "No response: unknown"],
])("the error for a missing response has the system's error as its cause: %s", (cause, message) => {
  const error = requestFailed(cause);
  expect(error.toJSON()).toEqual({ statusCode: 0, error: "Request failed", message, code: "request_failed" });
  expect(error.cause).toBe(cause);
});

test("the error for an invalid response has its status and says what was expected", () => {
  expect(invalidResponse(201, { field: "id", expected: "a string" }).toJSON()).toEqual({
    statusCode: 201,
    error: "Parsing response failed",
    message: "The response is not valid: id: expected a string",
    code: "invalid_response",
  });
});

test("an error that was made without a cause has none", () => {
  expect("cause" in new CapabilityError(BODY)).toBe(false);
});
