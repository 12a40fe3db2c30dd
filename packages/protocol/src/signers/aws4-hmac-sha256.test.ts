import { hash } from "node:crypto";

import fc from "fast-check";
import { expect, test } from "vitest";

import {
  authorization,
  createAws4Signer,
  credentialScope,
  checkAws4Query,
  signingKey,
  stringToSign,
} from "./aws4-hmac-sha256.ts";
import { EMPTY_SHA256 } from "./aws4-payload.ts";
import { utf8Bytes } from "./bytes.ts";
import type { HashFunction, SignableRequest } from "./signer.ts";

const hashFunction: HashFunction = hash;

/** The credentials of AWS's examples. */
const S3 = {
  scheme: "aws4-hmac-sha256",
  awsAccessKeyId: "AKIAIOSFODNN7EXAMPLE",
  region: "us-east-1",
  service: "s3",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
} as const;

const NOW = new Date("2013-05-24T00:00:00Z");
const HOST = ["Host", "examplebucket.s3.amazonaws.com"];
const GET: SignableRequest = { method: "GET", path: "/", query: "", headers: HOST };

function sent(list: readonly string[], name: string): string | undefined {
  return list[list.indexOf(name) + 1];
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, its four examples. */
test.each([
  {
    name: "GET of an object",
    configured: ["Range"],
    request: { ...GET, path: "/test.txt", headers: [...HOST, "Range", "bytes=0-9"] },
    payload: EMPTY_SHA256,
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "PUT of an object",
    configured: ["Date", "x-amz-storage-class"],
    request: {
      method: "PUT",
      path: "/test$file.text",
      query: "",
      headers: [
        ...HOST,
        "Date",
        "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class",
        "REDUCED_REDUNDANCY",
      ],
    },
    payload: "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "GET of a bucket's lifecycle",
    configured: [],
    request: { ...GET, query: "lifecycle" },
    payload: EMPTY_SHA256,
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "GET of a list of objects",
    configured: [],
    request: { ...GET, query: "max-keys=2&prefix=J" },
    payload: EMPTY_SHA256,
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
])(
  "the published example, $name, has the published signature",
  ({ configured, request, payload, signature }) => {
    const signer = createAws4Signer(S3, configured, hashFunction);
    const added = signer.sign(request, payload, NOW);
    expect(sent(added, "authorization")).toMatch(new RegExp(`, Signature=${signature}$`));
  },
);

/** https://docs.aws.amazon.com/general/latest/gr/signature-v4-examples.html */
test("the signing key of the published example is the published one", () => {
  const configuration = {
    ...S3,
    service: "iam",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  };
  // The example has the key itself; an HMAC with that key must give the same signature.
  const key = Buffer.from("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9", "hex");
  const message = utf8Bytes("any message");
  const block = new Uint8Array(64);
  block.set(key);
  const pad = (byte: number): Uint8Array => block.map((value) => value ^ byte);
  const inner = hash("sha256", Buffer.concat([pad(0x36), message]), "buffer");
  const expected = hash("sha256", Buffer.concat([pad(0x5c), inner]), "hex");
  expect(signingKey(configuration, "20150830", hashFunction)(message, "hex")).toBe(expected);
});

test("the scope carries region and service as configured, in their case", () => {
  expect(credentialScope({ ...S3, region: "EU", service: "Foo" }, "20130524")).toBe(
    "20130524/EU/Foo/aws4_request",
  );
});

test("the string to sign has the hash of header values as their bytes on the wire", () => {
  const time = { dateTime: "20130524T000000Z", day: "20130524" };
  const expected = hash("sha256", Buffer.from([0x78, 0xe9]));
  expect(stringToSign(time, "scope", "x\u00e9", hashFunction)).toBe(
    `AWS4-HMAC-SHA256\n20130524T000000Z\nscope\n${expected}`,
  );
});

test("the authorization has AWS's form", () => {
  expect(authorization("id/scope", "a;b", "sig")).toBe(
    "AWS4-HMAC-SHA256 Credential=id/scope, SignedHeaders=a;b, Signature=sig",
  );
});

test("date, payload and token are sent as they were signed", () => {
  const signer = createAws4Signer({ ...S3, sessionToken: "token" }, [], hashFunction);
  const added = signer.sign(GET, "UNSIGNED-PAYLOAD", NOW);
  expect(added.slice(0, -1)).toEqual([
    "x-amz-date",
    "20130524T000000Z",
    "x-amz-content-sha256",
    "UNSIGNED-PAYLOAD",
    "x-amz-security-token",
    "token",
    "authorization",
  ]);
  expect(added.at(-1)).toContain("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,");
});

test("Host, Content-Type, X-Amz headers and the headers that the target configures are signed, and no other", () => {
  const signer = createAws4Signer(S3, ["X-Api-Version", "User-Agent", "Via"], hashFunction);
  const headers = HOST.concat(
    ["Content-Type", "a/b", "x-amz-meta-a", "1", "X-API-VERSION", "2", "user-agent", "u"],
    ["via", "1.1 x", "Accept", "*/*", "Content-Length", "0", "X-Amzn-Trace-Id", "t"],
  );
  expect(signer.sign({ ...GET, headers }, EMPTY_SHA256, NOW).at(-1)).toContain(
    "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a;x-api-version,",
  );
});

test("one signer signs requests with other days, paths and queries correctly", () => {
  const shared = createAws4Signer(S3, [], hashFunction);
  const requests = ["/a", "/b", "/a"].flatMap((path) =>
    ["", "x=1", "x=2"].map((query) => ({ method: "GET", path, query, headers: HOST })),
  );
  for (const request of requests) {
    for (const now of [NOW, new Date("2013-05-25T00:00:00Z"), NOW]) {
      const fresh = createAws4Signer(S3, [], hashFunction);
      expect(shared.sign(request, EMPTY_SHA256, now)).toEqual(fresh.sign(request, EMPTY_SHA256, now));
    }
  }
});

test("only the signer sets its headers, and the session token only when it has one", () => {
  const own = ["authorization", "x-amz-content-sha256", "x-amz-date"];
  const without = createAws4Signer(S3, [], hashFunction);
  const withToken = createAws4Signer({ ...S3, sessionToken: "token" }, [], hashFunction);
  expect([...without.ownHeaders].toSorted()).toEqual(own);
  expect([...withToken.ownHeaders].toSorted()).toEqual([...own, "x-amz-security-token"].toSorted());
  for (const name of ["x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]) {
    expect(without.headerRule(name, "a")).toBe("drop");
    expect(withToken.headerRule(name, "a")).toBe("drop");
  }
  expect(without.headerRule("content-type", "a")).toBeUndefined();
});

test.each([
  "X-Amz-Security-Token=a",
  "x-amz-date",
  "a=1&X-AMZ-Target=b",
  "%58-Amz-Acl=c",
  "X%2DAmz%2DAcl=c",
  "x-amz-=",
])("the query %s is refused as one that cannot be signed, whatever the service", (query) => {
  for (const service of ["s3", "lambda"]) {
    expect(checkAws4Query(service, query, "GET")).toMatchObject({
      kind: "invalid",
      problem: { field: "query" },
    });
  }
});

test.each(["", "a=x-amz-date", "ax-amz-date=1", "x-amzn=1", "=x-amz-acl", "acl", "Signature=1", "a;b"])(
  "the query %j is allowed to a service that is not S3",
  (query) => {
    expect(checkAws4Query("execute-api", query, "GET")).toBeUndefined();
  },
);

test("no spelling of a reserved key is allowed", () => {
  const spelling = fc
    .tuple(fc.constantFrom("x-amz-acl", "X-Amz-Date"), fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }))
    .map(([key, choices]) =>
      Array.from(key, (character, index) => {
        const encoded = `%${character.charCodeAt(0).toString(16)}`;
        return [character, character.toUpperCase(), encoded, encoded.toUpperCase()][choices[index] ?? 0];
      }).join(""),
    );
  fc.assert(
    fc.property(spelling, (key) => {
      expect(checkAws4Query("lambda", `a=1&${key}=1`, "GET")).toBeDefined();
    }),
  );
});
