import { expect, test } from "vitest";
import { askedOf } from "../testkit/prepared.ts";
import { isLeading, leadNowhere } from "./led-elsewhere.ts";
import { REFERENCE_LIMIT } from "./references.ts";

const URI = "https://target.example/v1";
const plain = askedOf({ uri: URI });
const bearer = askedOf({ uri: URI, headers: { Authorization: "Bearer a" } });
const OUTSIDE = "https://other.example/";

function passedBy(...given: Parameters<typeof leadNowhere>): readonly string[] | undefined {
  const outcome = leadNowhere(...given);
  return outcome.ok ? outcome.value : undefined;
}

test("a challenge of a target that has its credential becomes one that asks for nothing", () => {
  const lines = ["X-A", "1", "www-authenticate", `Bearer realm="${OUTSIDE}"`, "WWW-AUTHENTICATE", "Basic"];
  const others = [
    ["Authentication-Info", "nextnonce=a"],
    ["Optional-WWW-Authenticate", "Basic"],
    ["Authentication-Control", "Basic realm=a"],
  ].flat();
  for (const status of [200, 401]) {
    expect(passedBy(bearer, status, [...lines, ...others])).toEqual([
      "X-A",
      "1",
      "WWW-Authenticate",
      "Target",
    ]);
    expect(passedBy(plain, status, [...lines, ...others])).toEqual([...lines, ...others]);
  }
});

test("links outside the base are dropped, line by line, whatever the target and the client", () => {
  const lines = [
    "Link",
    `<${OUTSIDE}>; rel=next`,
    "link",
    `<${URI}/a>; rel=prev, <${OUTSIDE}>`,
    "LINK",
    "<?b>",
  ];
  for (const asked of [plain, bearer])
    expect(passedBy(asked, 200, lines)).toEqual(["link", `<${URI}/a>; rel=prev`, "LINK", "<?b>"]);
});

test("only a limited number of links of one response is checked, over all its lines; the others are dropped", () => {
  const lines = Array.from({ length: REFERENCE_LIMIT + 5 }, (_, index) => ["Link", `<?${index}>`]).flat();
  expect(passedBy(plain, 200, lines)).toEqual(lines.slice(0, 2 * REFERENCE_LIMIT));
});

const KEEPING = ["Wget/1.21.4", "wget/1", "Python-urllib/3.12"];
const OTHERS = ["curl/8", "python-requests/2.32", "Mozilla/5.0 Wget/1", "Wget", "", undefined];

test.each(KEEPING)("%s is not redirected to outside of the base, where it would send the token", (agent) => {
  const asked = askedOf({ uri: URI }, ["User-Agent", agent]);
  for (const status of [300, 301, 302, 303, 307, 308]) {
    for (const line of [
      ["Location", OUTSIDE],
      ["location", "/"],
      ["URI", OUTSIDE],
      ["Location", URI, "Location", OUTSIDE],
    ]) {
      expect(leadNowhere(asked, status, line)).toEqual({
        ok: false,
        denial: { reason: "redirect_not_passed" },
      });
    }
    expect(passedBy(asked, status, ["Location", `${URI}/a`])).toEqual(["Location", `${URI}/a`]);
  }
  expect(passedBy(asked, 201, ["Location", OUTSIDE])).toEqual(["Location", OUTSIDE]);
});

test.each(OTHERS)("%s is redirected as the target says", (agent) => {
  const asked = askedOf({ uri: URI }, agent === undefined ? [] : ["User-Agent", agent]);
  expect(passedBy(asked, 302, ["Location", OUTSIDE])).toEqual(["Location", OUTSIDE]);
});

test("a client with two User-Agent lines is judged by both", () => {
  const asked = askedOf({ uri: URI }, ["User-Agent", "curl/8", "user-agent", "Wget/1"]);
  expect(leadNowhere(asked, 302, ["Location", OUTSIDE]).ok).toBe(false);
});

test.each([
  "link",
  "location",
  "uri",
  "www-authenticate",
  "optional-www-authenticate",
  "authentication-info",
  "authentication-control",
])("%s is looked at", (name) => {
  expect(isLeading(name)).toBe(true);
});
