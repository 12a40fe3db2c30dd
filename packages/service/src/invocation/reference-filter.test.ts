import { expect, test } from "vitest";
import { sentRequestOf } from "../../../testkit/src/fixtures.ts";
import type { Carrier } from "./carrier.ts";
import { CARRIERS } from "./carrier.ts";
import type { SentRequest } from "./reference-filter.ts";
import { isReferenceHeader, filterReferences } from "./reference-filter.ts";
import { MAX_REFERENCES } from "./references.ts";

const URI = "https://target.example/v1";
const plain = sentRequestOf({ uri: URI });
const bearer = sentRequestOf({ uri: URI, headers: { Authorization: "Bearer a" } });
const OUTSIDE = "https://other.example/";

function passedBy(...given: Parameters<typeof filterReferences>): readonly string[] | undefined {
  const outcome = filterReferences(...given);
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
  }
});

/** A client that responds to such a challenge sends the token to a host that the target names. */
const LEADING_CHALLENGES = [
  `Bearer realm="${OUTSIDE}token",service="registry"`,
  'Bearer realm="//other.example/token"',
  String.raw`Bearer realm="https\:\/\/other.example\/token"`,
  "Basic realm=https://other.example",
  `Basic realm="a", Bearer resource_metadata="${OUTSIDE}"`,
  `Digest realm="a", nonce="b", domain="/v1 ${OUTSIDE}"`,
];
const OTHER_CHALLENGES = [
  'Basic realm="a"',
  'Bearer error="invalid_token", error_description="none"',
  "Negotiate",
];

test("a challenge that names a URI becomes one that asks for nothing, whatever the target", () => {
  for (const challenge of LEADING_CHALLENGES) {
    for (const sentRequest of [plain, bearer, openPath(plain)])
      expect(passedBy(sentRequest, 401, ["www-authenticate", challenge])).toEqual([
        "WWW-Authenticate",
        "Target",
      ]);
    for (const name of ["Authentication-Info", "Optional-WWW-Authenticate", "Authentication-Control"])
      expect(passedBy(plain, 401, [name, challenge])).toEqual([]);
  }
});

test("a challenge of a target without a credential that names no URI passes as it is", () => {
  const lines = OTHER_CHALLENGES.flatMap((challenge) => ["WWW-Authenticate", challenge]);
  expect(passedBy(plain, 401, lines)).toEqual(lines);
  const info = ["Authentication-Info", "nextnonce=a", "Optional-WWW-Authenticate", "Basic"];
  expect(passedBy(plain, 200, info)).toEqual(info);
  expect(passedBy(plain, 401, [...lines, "WWW-Authenticate", LEADING_CHALLENGES[0]!])).toEqual([
    ...lines,
    "WWW-Authenticate",
    "Target",
  ]);
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
  for (const sentRequest of [plain, bearer])
    expect(passedBy(sentRequest, 200, lines)).toEqual(["link", `<${URI}/a>; rel=prev`, "LINK", "<?b>"]);
});

test("only a limited number of links of one response is checked, over all its lines; the others are dropped", () => {
  const lines = Array.from({ length: MAX_REFERENCES + 5 }, (_, index) => ["Link", `<?${index}>`]).flat();
  expect(passedBy(plain, 200, lines)).toEqual(lines.slice(0, 2 * MAX_REFERENCES));
});

const KEEPING = [
  "Wget/1.21.4",
  "wget/1",
  "wget2/2.0.0",
  "Mozilla/5.0 Wget/1",
  "aria2/1.36.0",
  "Python-urllib/3.12",
  "git/2.39.5",
  "git/2.0 (libgit2 1.7.2)",
  "git/isomorphic-git-1.25.0",
  "JGit/6.7.0",
  "Java-http-client/17.0.15",
  "Apache-HttpClient/5.1.3 (Java/17.0.15)",
  "App/1 Apache-HttpClient/4.5",
  "AHC/2.1",
  "libwww-perl/6.68",
  "lwp-request/6.68 libwww-perl/6.68",
  "Ruby",
  "rest-client/2.1.0 (linux x86_64) ruby/3.1",
  "HTTPClient/1.0 (2.8.3, ruby 3.1)",
];
const OTHERS = [
  "curl/8",
  "python-requests/2.32",
  "node",
  "Wget",
  "NotWget/1",
  "Java/17.0.15",
  "HTTP-Tiny/0.080",
  "Octokit Ruby Gem 9.1",
  "git-lfs/3.3.0",
  "docker/24 git-commit/a/b",
  "",
  undefined,
];

test.each(KEEPING)("%s is not redirected to outside of the base, where it would send the token", (agent) => {
  const sentRequest = sentRequestOf({ uri: URI }, ["User-Agent", agent]);
  for (const status of [300, 301, 302, 303, 307, 308]) {
    for (const line of [
      ["Location", OUTSIDE],
      ["location", "/"],
      ["URI", OUTSIDE],
      ["Location", "/v1", "Location", OUTSIDE],
      // The target itself is another host than this service.
      ["Location", `${URI}/a`],
    ]) {
      expect(filterReferences(sentRequest, status, line)).toEqual({
        ok: false,
        error: { reason: "redirect_not_passed" },
      });
    }
    expect(passedBy(sentRequest, status, ["Location", "/v1/a"])).toEqual(["Location", "/v1/a"]);
    expect(passedBy(openPath(sentRequest), status, ["Location", `${URI}/a`])).toEqual([
      "Location",
      `${OWN}/a`,
    ]);
  }
});

test.each(OTHERS)("%s is redirected as the target says", (agent) => {
  const sentRequest = sentRequestOf({ uri: URI }, agent === undefined ? [] : ["User-Agent", agent]);
  for (const reference of [OUTSIDE, `${URI}/a`])
    expect(passedBy(sentRequest, 302, ["Location", reference])).toEqual(["Location", reference]);
});

test("a client with two User-Agent lines is recognized by either", () => {
  const sentRequest = sentRequestOf({ uri: URI }, ["User-Agent", "curl/8", "user-agent", "Wget/1"]);
  expect(filterReferences(sentRequest, 302, ["Location", OUTSIDE]).ok).toBe(false);
});

const REFUSED = { ok: false, error: { reason: "redirect_not_passed" } };
const OTHER_CARRIERS = CARRIERS.filter((carrier) => carrier !== "authorization");

/** A request of a client that drops `Authorization` when it is redirected. */
function carriedIn(carrier: Carrier): SentRequest {
  return sentRequestOf({ uri: URI }, ["User-Agent", "curl/8"], carrier);
}

test.each(OTHER_CARRIERS)("a client with its token in %s is redirected to this service alone", (carrier) => {
  for (const status of [300, 301, 302, 303, 307, 308]) {
    for (const reference of [OUTSIDE, `${URI}/a`])
      expect(filterReferences(carriedIn(carrier), status, ["Location", reference])).toEqual(REFUSED);
  }
  expect(passedBy(carriedIn(carrier), 302, ["Location", "/v1/a"])).toEqual(["Location", "/v1/a"]);
  expect(passedBy(carriedIn(carrier), 302, ["X-A", "1"])).toEqual(["X-A", "1"]);
});

/** Clients follow these with all their headers, the holder's token among them: the place of an upload or an operation. */
const CONTINUATIONS = [
  "Location",
  "URI",
  "Operation-Location",
  "Azure-AsyncOperation",
  "Upload-Location",
  "X-Goog-Upload-URL",
  "X-Goog-Upload-Control-URL",
];
const LEADING_AWAY = [
  OUTSIDE,
  "//other.example/v1",
  "http://target.example/v1",
  "https://target.example:444/v1/a",
  "https://target.example/v2",
  `${URI}@other.example/`,
  "/\\other.example/",
  "/\t/other.example/",
  "https:other.example",
  "a:b",
];

test.each(CONTINUATIONS)(
  "a %s outside the base is dropped where it does not redirect, whatever the carrier, the client and the openings",
  (name) => {
    const wget = sentRequestOf({ uri: URI }, ["User-Agent", "Wget/1.21.4"]);
    const clients = [plain, wget, ...CARRIERS.map(carriedIn)];
    for (const client of [...clients, ...clients.map(openPath)]) {
      for (const status of [200, 201, 202, 204, 404, 503]) {
        for (const reference of LEADING_AWAY)
          expect(passedBy(client, status, ["X-A", "1", name, reference]), reference).toEqual(["X-A", "1"]);
      }
    }
  },
);

test.each(CONTINUATIONS.slice(2))("a %s outside the base is dropped from a redirect too", (name) => {
  for (const client of [plain, openPath(plain), carriedIn("x-api-key")])
    expect(passedBy(client, 302, [name, OUTSIDE])).toEqual([]);
});

test.each(CONTINUATIONS)(
  "a %s below the base passes as it is, and is rewritten for holders who may add a path",
  (name) => {
    for (const reference of [`${URI}/a?c=d`, "/v1/a?c=d"]) {
      expect(passedBy(plain, 201, [name, reference])).toEqual([name, reference]);
      expect(passedBy(openPath(plain), 201, [name, reference])).toEqual([name, `${OWN}/a?c=d`]);
    }
  },
);

test.each(CONTINUATIONS)("a relative %s passes: clients resolve it to this service", (name) => {
  for (const reference of ["", "/", "/v2/a?b#c", "../b", "?d=e:f", "g/h:i"])
    expect(passedBy(carriedIn("x-api-key"), 201, [name, reference])).toEqual([name, reference]);
});

test("of the continuations of one response only a limited number is checked, and absolute ones after it are dropped", () => {
  const lines = Array.from({ length: MAX_REFERENCES + 5 }, () => ["Location", `${URI}/a`]).flat();
  expect(passedBy(plain, 201, lines)).toEqual(lines.slice(0, 2 * MAX_REFERENCES));
});

test("a Refresh passes only without a URI, whatever the status and the openings", () => {
  for (const client of [plain, openPath(plain)]) {
    for (const status of [200, 302]) {
      expect(passedBy(client, status, ["Refresh", "5"])).toEqual(["Refresh", "5"]);
      for (const value of [`5; url=${OUTSIDE}`, `5;${URI}/a`, `5,${OUTSIDE}`, `0 ${OUTSIDE}`, OUTSIDE, ""])
        expect(passedBy(client, status, ["Refresh", value])).toEqual([]);
    }
  }
});

test("a Content-Location outside the base passes, since it only names the content", () => {
  for (const client of [plain, openPath(plain)])
    expect(passedBy(client, 201, ["Content-Location", OUTSIDE])).toEqual(["Content-Location", OUTSIDE]);
});

/** The same request to a target whose holders may add a path. */
function openPath(sentRequest: SentRequest): SentRequest {
  const { target } = sentRequestOf({ uri: URI, allowPath: true, allowQuery: ["c", "e", "g"] });
  return { ...sentRequest, target };
}

const OWN = "https://membrane.test";

test("if holders may add a path, references below the base are rewritten, relative ones too", () => {
  const lines = [
    ["Location", `${URI}/a`, `${OWN}/a`],
    ["URI", "/v1/b?c#d", `${OWN}/b?c#d`],
    ["Content-Location", "?e", `${OWN}/?e`],
    [
      "Link",
      `<${URI}/f>; rel=next, <${OUTSIDE}>, <?g>; rel="last"`,
      `<${OWN}/f>; rel=next, <${OWN}/?g>; rel="last"`,
    ],
  ] as const;
  for (const status of [200, 201, 302]) {
    for (const [name, value, rewritten] of lines)
      expect(passedBy(openPath(plain), status, [name, value])).toEqual([name, rewritten]);
  }
});

test("a reference below the base that the service would refuse is treated as one outside", () => {
  for (const reference of [`${URI}/a%2fb`, "?refused", `${URI}/`]) {
    expect(passedBy(openPath(plain), 200, ["Link", `<${reference}>`])).toEqual([]);
    expect(passedBy(openPath(plain), 200, ["Content-Location", reference])).toEqual([
      "Content-Location",
      reference,
    ]);
    expect(passedBy(openPath(carriedIn("authorization")), 302, ["Location", reference])).toEqual([
      "Location",
      reference,
    ]);
    expect(filterReferences(openPath(carriedIn("x-api-key")), 302, ["Location", reference])).toEqual(REFUSED);
  }
});

test.each([301, 307])("a client of S3 gets a %i only if its Location is rewritten", (status) => {
  const s3 = carriedIn("x-amz-security-token");
  for (const lines of [[], ["X-A", "1"], ["Location", `${URI}/a`], ["Content-Location", `${URI}/a`]]) {
    expect(filterReferences(s3, status, lines)).toEqual(REFUSED);
    if (lines[0] !== "Location") expect(filterReferences(openPath(s3), status, lines)).toEqual(REFUSED);
  }
  expect(passedBy(openPath(s3), status, ["Location", `${URI}/a`])).toEqual(["Location", `${OWN}/a`]);
  for (const carrier of CARRIERS) {
    if (carrier !== "x-amz-security-token")
      expect(passedBy(carriedIn(carrier), status, ["Location", "/v1/a"])).toBeDefined();
  }
});

test.each([300, 302, 303, 304, 308])("a client of S3 gets a %i within the base", (status) => {
  const s3 = carriedIn("x-amz-security-token");
  expect(passedBy(s3, status, ["Location", "/v1/a"])).toEqual(["Location", "/v1/a"]);
  expect(passedBy(s3, status, [])).toEqual([]);
});

test.each([
  "link",
  "location",
  "content-location",
  "uri",
  "refresh",
  "operation-location",
  "azure-asyncoperation",
  "upload-location",
  "x-goog-upload-url",
  "x-goog-upload-control-url",
  "www-authenticate",
  "optional-www-authenticate",
  "authentication-info",
  "authentication-control",
])("%s is looked at", (name) => {
  expect(isReferenceHeader(name)).toBe(true);
});
