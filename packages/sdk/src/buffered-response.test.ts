import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CapabilityError } from "./error.ts";
import { errorBody, readJsonBody } from "./buffered-response.ts";

const bufferedResponse = (
  status: number,
  text: string,
  reason = "Reason",
): Parameters<typeof readJsonBody>[0] => ({
  status,
  reason,
  text,
});

function refusalOf(act: () => unknown): CapabilityError {
  try {
    act();
  } catch (error) {
    if (error instanceof CapabilityError) return error;
    throw error;
  }
  throw new Error("the response was not refused");
}

test("below 400 every JSON value is returned unchanged, whatever the status", () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 399 }), fc.jsonValue(), (status, value) => {
      const text = JSON.stringify(value);
      expect(readJsonBody(bufferedResponse(status, text))).toEqual(JSON.parse(text));
    }),
  );
});

test("an empty body is the empty string", () => {
  expect(readJsonBody(bufferedResponse(200, ""))).toBe("");
});

test("below 400 a body that is not JSON is a named error that does not repeat it", () => {
  expect(refusalOf(() => readJsonBody(bufferedResponse(201, "canary")))).toMatchObject({
    statusCode: 201,
    error: "Parsing response failed",
    code: "invalid_response",
    message: expect.not.stringContaining("canary"),
  });
});

test("from 400 on every body is a CapabilityError of that status with text in every field", () => {
  const bodies = fc.oneof(
    fc.string(),
    fc.json(),
    fc.jsonValue().map((error) => JSON.stringify({ error })),
  );
  fc.assert(
    fc.property(fc.integer({ min: 400, max: 999 }), bodies, fc.string(), (status, text, reason) => {
      const { statusCode, error, message, code } = refusalOf(() =>
        readJsonBody(bufferedResponse(status, text, reason)),
      );
      expect(statusCode).toBe(status);
      for (const field of [error, message, code]) expect(field).toMatch(/^.+$/u);
    }),
  );
});

describe("an error response", () => {
  test("is reported with its fields", () => {
    const body = { statusCode: 409, error: "Conflict", message: "taken", code: "membrane_exists" };
    expect(errorBody(bufferedResponse(409, ""), body)).toEqual(body);
  });

  test("that the service did not make has the reason phrase, and the fields that can be read", () => {
    const expected = {
      statusCode: 418,
      error: "Teapot",
      message: "Responded with 418 Teapot",
      code: "error_response",
    };
    for (const body of [undefined, null, 7, "text", [], {}, { error: 1, message: {}, code: "" }]) {
      expect(errorBody(bufferedResponse(418, "", "Teapot"), body)).toEqual(expected);
    }
  });

  test("over HTTP/2, which has no reason phrase, is named by its status", () => {
    expect(errorBody(bufferedResponse(503, "", ""), {})).toMatchObject({
      error: "HTTP 503",
      message: "Responded with 503 HTTP 503",
    });
  });

  test("is read from own members only, not from a prototype", () => {
    const inherited = Object.create({ message: "inherited", error: "inherited" }) as object;
    expect(errorBody(bufferedResponse(500, "", "Reason"), inherited)).toMatchObject({ error: "Reason" });
  });

  test.each([
    "\u001b[2J",
    "\u009b",
    "\n",
    "\r",
    "\0",
    "\u007f",
    "\u0085",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
  ])("has no %j, which could control a terminal or forge a log line", (mark) => {
    const neutral = `a${mark.replace(/^./su, "?")}b`;
    const body = { error: `a${mark}b`, message: `a${mark}b`, code: `a${mark}b` };
    expect(errorBody(bufferedResponse(500, ""), body)).toEqual({
      statusCode: 500,
      error: neutral,
      message: neutral,
      code: neutral,
    });
    expect(errorBody(bufferedResponse(500, "", `a${mark}b`), {})).toMatchObject({ error: neutral });
  });

  test("keeps the letters of every script", () => {
    const message = "déjà vu – 既視感 – עברית 🙂";
    expect(errorBody(bufferedResponse(500, ""), { message }).message).toBe(message);
  });

  test("shows no token, nor a part of one where a message is shortened", () => {
    const token = `CPBLTY1-${"x".repeat(85)}A`;
    for (const before of [0, 900, 950, 999, 1_000]) {
      const { message } = errorBody(bufferedResponse(500, ""), {
        message: "m".repeat(before) + token + token,
      });
      expect(message).not.toContain("x");
      expect(message.length).toBeLessThanOrEqual(1_000);
    }
  });
});
