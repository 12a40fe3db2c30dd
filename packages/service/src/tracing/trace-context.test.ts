import fc from "fast-check";
import { expect, test } from "vitest";
import { formatTraceparent, isTracestate, parseTraceparent, RANDOM, SAMPLED } from "./trace-context.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";
const PARENT = `00-${TRACE}-${SPAN}-01`;

test("the example of the specification is read", () => {
  expect(parseTraceparent([PARENT])).toEqual({ traceId: TRACE, spanId: SPAN, flags: SAMPLED });
});

test.each([
  ["no line", []],
  ["two lines, though they are the same", [PARENT, PARENT]],
  ["two values in one line", [`${PARENT},${PARENT}`]],
  ["nothing", [""]],
  ["a trace of zeros", [`00-${"0".repeat(32)}-${SPAN}-01`]],
  ["a span of zeros", [`00-${TRACE}-${"0".repeat(16)}-01`]],
  ["the version ff", [`ff-${TRACE}-${SPAN}-01`]],
  ["a version of one digit", [`0-${TRACE}-${SPAN}-01`]],
  ["a version that is not a number", [`.0-${TRACE}-${SPAN}-01`]],
  ["letters in upper case", [`00-${TRACE.toUpperCase()}-${SPAN}-01`]],
  ["a trace that is too short", [`00-${TRACE.slice(1)}-${SPAN}-01`]],
  ["a trace that is too long", [`00-${TRACE}0-${SPAN}-01`]],
  ["a span that is too short", [`00-${TRACE}-${SPAN.slice(1)}-01`]],
  ["a trace that is not a number", [`00-${TRACE.slice(1)}g-${SPAN}-01`]],
  ["a span that is not a number", [`00-${TRACE}-${SPAN.slice(1)}g-01`]],
  ["flags of one digit", [`00-${TRACE}-${SPAN}-1`]],
  ["flags that are not a number", [`00-${TRACE}-${SPAN}-.1`]],
  ["flags of three digits", [`00-${TRACE}-${SPAN}-011`]],
  ["no flags", [`00-${TRACE}-${SPAN}`]],
  ["no flags, of a later version", [`cc-${TRACE}-${SPAN}`]],
  ["a field more, of the version 00", [`${PARENT}-00`]],
  ["a dash more, of the version 00", [`${PARENT}-`]],
  ["a line feed at the end", [`${PARENT}\n`]],
  ["flags of three digits, of a later version", [`cc-${TRACE}-${SPAN}-011`]],
  ["a blank before it", [` ${PARENT}`]],
  ["a digit before it, of a later version", [`0cc-${TRACE}-${SPAN}-01`]],
])("%s is not a traceparent", (_case, lines) => {
  expect(parseTraceparent(lines)).toBeUndefined();
});

test.each([
  ["cc-", "", SAMPLED],
  ["01-", "-what-the-future-will-be-like", SAMPLED],
  ["fe-", "-", SAMPLED],
])("of the later version %s the known fields are read, with '%s' after them", (version, rest, flags) => {
  expect(parseTraceparent([`${version}${TRACE}-${SPAN}-03${rest}`])).toEqual({
    traceId: TRACE,
    spanId: SPAN,
    flags,
  });
});

test("flags that are not defined are not passed on", () => {
  expect(parseTraceparent([`00-${TRACE}-${SPAN}-ff`])?.flags).toBe(SAMPLED | RANDOM);
  expect(parseTraceparent([`00-${TRACE}-${SPAN}-fe`])?.flags).toBe(RANDOM);
});

const hex = (length: number) =>
  fc
    .string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length })
    .filter((text) => !/^0+$/.test(text));
const context = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  flags: fc.constantFrom(0, SAMPLED, RANDOM, SAMPLED | RANDOM),
});

test("what is formatted is read as the same", () => {
  fc.assert(
    fc.property(context, (written) => {
      expect(parseTraceparent([formatTraceparent(written)])).toEqual(written);
    }),
  );
});

test("a valid value with one character that is not hexadecimal, or one more or less, is not valid", () => {
  const change = fc.oneof(
    fc.record({ at: fc.nat(54), put: fc.constantFrom("g", "A", " ", ",", "") }),
    fc.record({ at: fc.nat(55), put: fc.constantFrom("0", "-"), isAdded: fc.constant(true) }),
  );
  fc.assert(
    fc.property(context, change, (written, { at, put, ...rest }) => {
      const value = formatTraceparent(written);
      const changed = value.slice(0, at) + put + value.slice("isAdded" in rest ? at : at + 1);
      expect(parseTraceparent([changed])).toBeUndefined();
    }),
  );
});

test("any text gives a context of valid ids, or none", () => {
  const part = fc.constantFrom("00", "-", TRACE, SPAN, "01", "0", "ff", " ", "cc", "\n");
  fc.assert(
    fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
      const read = parseTraceparent([parts.join("")]);
      if (read === undefined) return;
      expect(parseTraceparent([formatTraceparent(read)])).toEqual(read);
    }),
  );
});

const members = (count: number, value = "1"): string =>
  Array.from({ length: count }, (_, at) => `k${at}=${value}`).join(",");

test.each([
  ["no line", []],
  ["an empty line", [""]],
  ["the example of the specification", ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"]],
  ["a key with a tenant", ["fw529a3039@dt=FfAxMjM"]],
  ["two lines", ["a=1", "b=2"]],
  ["empty members and blanks", ["a=1 ,\t,  b=2", ","]],
  ["a blank within a value", ["a=1 2"]],
  ["32 members", [members(32)]],
  ["a key and a value of 256 characters", [`${"k".repeat(256)}=${"v".repeat(256)}`]],
  ["32 members that are as long as they may be", [members(32, "v".repeat(256))]],
])("%s may be passed on as tracestate", (_case, lines) => {
  expect(isTracestate(lines)).toBe(true);
});

test.each([
  ["33 members", [members(33)]],
  ["33 members in two lines", [members(32), "a=1"]],
  ["a key twice", ["a=1,b=2,a=3"]],
  ["a key in two lines", ["a=1", "a=1"]],
  ["a member without a value", ["a"]],
  ["a member with an empty value", ["a="]],
  ["a member without a key", ["=1"]],
  ["a value with an equals sign", ["a=1=2"]],
  ["a value beyond ASCII", ["a=\u00e9"]],
  ["a value with a control character", ["a=1\t2"]],
  ["a key in upper case", ["A=1"]],
  ["a key that begins with a mark", ["@a=1"]],
  ["a key of 257 characters", [`${"k".repeat(257)}=1`]],
  ["a value of 257 characters", [`a=${"v".repeat(257)}`]],
  ["a blank after the key", ["a =1"]],
])("%s may not", (_case, lines) => {
  expect(isTracestate(lines)).toBe(false);
});
