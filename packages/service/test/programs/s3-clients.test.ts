import { randomBytes } from "node:crypto";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { S3Stub } from "../../../testkit/src/s3-stub.ts";
import { createS3Stub } from "../../../testkit/src/s3-stub.ts";
import type { ReceivedRequest, TestTarget } from "../../../testkit/src/target.ts";
import { startTarget } from "../../../testkit/src/target.ts";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate, startTlsTarget } from "../../../testkit/src/tls-target.ts";
import { spellingsOf } from "../../../testkit/src/token-carriers.ts";
import type { AwsCli, AwsMachine } from "../support/aws-machine.ts";
import { configureFor, findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { pythonsWith } from "../support/programs.ts";

/* The AWS CLI, boto3, rclone and s3cmd, unmodified, as docs/clients/aws.md says. The bucket verifies all signatures and digests. */

const CLIS = await findAwsClis();
const PYTHONS = pythonsWith("boto3");

/** An object in several parts, for every client. */
const VIDEO = randomBytes(20 * 1_024 * 1_024 + 3);
const PHOTOS = { "1.txt": "one", "empty.txt": "", "of 2026/é+1.txt": "a name that is escaped" };

let machine: AwsMachine;
let certificate: TestCertificate;
let bucket: TestTarget;
let s3: S3Stub;
let token: string;
beforeAll(async () => {
  [machine, certificate] = await Promise.all([startAwsMachine(), makeCertificate("127.0.0.1")]);
  s3 = createS3Stub();
  bucket = await startTlsTarget(certificate, (_request, response) =>
    s3.handle(bucket.requests.at(-1)!, response),
  );
  ({ token } = await configureFor(machine, bucket, "s3", { tls: { ca: certificate.ca } }));
  await mkdir(join(machine.files, "photos/of 2026"), { recursive: true });
  await writeFile(join(machine.files, "video.mp4"), VIDEO);
  for (const [name, text] of Object.entries(PHOTOS))
    await writeFile(join(machine.files, "photos", name), text);
});
afterEach(() => expect(machine.otherHosts.found()).toEqual([]));
afterAll(() => Promise.all([machine[Symbol.asyncDispose](), bucket[Symbol.asyncDispose]()]));

/** Runs a script of the page next to the files, and checks what is in the bucket and in the copies afterwards. */
async function checkScript(language: string, aws?: AwsCli): Promise<string> {
  s3.objects.clear();
  const begin = bucket.requests.length;
  const folder = join(machine.home, language + (aws?.version ?? ""));
  await cp(machine.files, folder, { recursive: true });
  const block = (name: string) => machine.page.block(name, { ...machine, token });
  const variables = aws === undefined ? block("sh variables") : "";
  const script = `mkdir copies\n${variables}${block(language)}`;
  const { code, stdout, stderr } = await machine.runScript(folder, script, aws);
  expect(code, stdout + stderr).toBe(0);
  expect([...s3.objects.keys()].toSorted()).toEqual([
    ...Object.keys(PHOTOS).map((name) => `/my-bucket/photos/${name}`),
    "/my-bucket/video.mp4",
  ]);
  expect(VIDEO.equals(s3.objects.get("/my-bucket/video.mp4")!)).toBe(true);
  expect(VIDEO.equals(await readFile(join(folder, "copy.mp4")))).toBe(true);
  for (const [name, text] of Object.entries(PHOTOS))
    expect(await readFile(join(folder, "copies", name), "utf8")).toBe(text);
  const requests = bucket.requests.slice(begin);
  expect(requests.filter(({ url }) => /[?&]partNumber=/.test(url)).length).toBeGreaterThan(1);
  expectNoToken(requests, token);
  return stdout;
}

function contentHash({ headers }: ReceivedRequest): string | undefined {
  return headers["x-amz-content-sha256"]?.toString();
}

function expectNoToken(requests: readonly ReceivedRequest[], token: string): void {
  const received = requests.flatMap(({ url, rawHeaders }) => [url, ...rawHeaders]).join("\n");
  expect(spellingsOf(token).filter((spelling) => received.includes(spelling))).toEqual([]);
}

test.each(CLIS)(
  "aws $version copies and syncs up and down, large objects in parts, and lists",
  async (aws) => {
    expect(await checkScript("sh", aws)).toContain(" 1.txt");
  },
);

test("rclone copies and syncs up and down, large objects in parts, and lists", async () => {
  expect(await checkScript("sh rclone")).toContain(" 1.txt");
});

test("s3cmd copies and syncs up and down, large objects in parts, and lists", async () => {
  expect(await checkScript("sh s3cmd")).toContain("s3://my-bucket/photos/1.txt");
});

test.each(PYTHONS.flatMap((python) => [[python, "https"] as const, [python, "http"] as const]))(
  "boto3 of %s writes, lists and reads over %s, large objects in parts",
  async (python, scheme) => {
    s3.objects.clear();
    await using plain = await startTarget((_request, response) =>
      s3.handle(plain.requests.at(-1)!, response),
    );
    const target = scheme === "https" ? bucket : plain;
    const begin = target.requests.length;
    const tls = scheme === "https" ? { tls: { ca: certificate.ca } } : {};
    const own = await configureFor(machine, target, "s3", tls);
    await machine.write("files/objects.py", machine.page.block("python", { ...machine, ...own }));
    const { code, stdout, stderr } = await machine.runScript(machine.files, `'${python}' objects.py`);
    expect([code, stdout], stderr).toEqual([0, "['reports/1.txt']\n"]);
    expect(VIDEO.equals(s3.objects.get("/my-bucket/video.mp4")!)).toBe(true);
    expect(VIDEO.equals(await readFile(join(machine.files, "copy.mp4")))).toBe(true);
    const requests = target.requests.slice(begin);
    expectNoToken(requests, own.token);
    // Over https contents stream; over http they are held, since their hash is in the signature.
    const hashes = requests.filter(({ method }) => method === "PUT").map(contentHash);
    expect(hashes).toHaveLength(4);
    for (const hash of hashes)
      expect(hash).toMatch(scheme === "https" ? /^(STREAMING-)?UNSIGNED-PAYLOAD/ : /^[0-9a-f]{64}$/);
  },
);

test.each(CLIS)(
  "a URL that aws $version presigns is refused and says so, and its token is in no log",
  async (aws) => {
    const begin = bucket.requests.length;
    const script = `curl -sS --cacert '${machine.ca}' "$(aws s3 presign s3://my-bucket/video.mp4)"`;
    const { stdout, stderr } = await machine.runScript(machine.files, script, aws);
    expect(stdout, stderr).toContain("no presigned URL");
    expect(JSON.parse(stdout)).toMatchObject({ statusCode: 400 });
    expect(machine.service.logged()).not.toContain("CPBLTY1-");
    expect(bucket.requests).toHaveLength(begin);
  },
);
