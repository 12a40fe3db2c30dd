import { mkdir, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestCertificate } from "../../../testkit/src/tls-target.ts";
import { makeCertificate } from "../../../testkit/src/tls-target.ts";
import type { AwsCli, AwsMachine } from "../support/aws-machine.ts";
import { configureFor, findAwsClis, startAwsMachine } from "../support/aws-machine.ts";
import { revoke } from "../support/client-machine.ts";
import { HELD_SIZE, startHeldBucket } from "../support/held-bucket.ts";
import { pythonsWith } from "../support/programs.ts";

/* A revoke while a client of Debian uploads an object and downloads another: both break, and the client reports it. */

interface Client {
  readonly name: string;
  readonly upload: string;
  readonly download: string;
  readonly aws?: AwsCli;
  /** It has its credentials in the environment. */
  readonly needsVariables?: true;
}

const BOTO3 = "import boto3; boto3.Session().client('s3', endpoint_url='ENDPOINT').";

const CLIENTS: readonly Client[] = [
  ...(await findAwsClis()).map((aws) => ({
    name: `aws ${aws.version}`,
    upload: "aws s3 cp large s3://my-bucket/up",
    download: "aws s3 cp s3://my-bucket/down down/",
    aws,
  })),
  ...pythonsWith("boto3").map((python) => ({
    name: `boto3 of ${python}`,
    upload: `'${python}' -c "${BOTO3}upload_file('large', 'my-bucket', 'up')"`,
    download: `'${python}' -c "${BOTO3}download_file('my-bucket', 'down', 'down/down')"`,
  })),
  {
    name: "rclone",
    upload: "rclone copyto large membrane:my-bucket/up",
    download: "rclone copyto membrane:my-bucket/down down/down",
    needsVariables: true,
  },
  {
    name: "s3cmd",
    upload: "s3cmd put large s3://my-bucket/up",
    download: "s3cmd get s3://my-bucket/down down/down",
    needsVariables: true,
  },
];

let machine: AwsMachine;
let certificate: TestCertificate;
beforeAll(async () => {
  [machine, certificate] = await Promise.all([startAwsMachine(), makeCertificate("127.0.0.1")]);
});
afterAll(() => machine[Symbol.asyncDispose]());

test.each(CLIENTS)(
  "a revoke breaks an upload and a download of $name, which reports both, and no request follows",
  async ({ name, upload, download, aws, needsVariables }) => {
    await using bucket = await startHeldBucket(certificate);
    const tls = { ca: certificate.ca };
    const { token, revoke: end } = await configureFor(machine, bucket, "s3", { tls });
    const folder = join(machine.home, name.replaceAll("/", "-"));
    await mkdir(join(folder, "down"), { recursive: true });
    await using large = await open(join(folder, "large"), "w");
    await large.truncate(HELD_SIZE);
    const block = (name: string) => machine.page.block(name, { ...machine, token });
    const start = (script: string) =>
      machine.runScript(
        folder,
        `${needsVariables === true ? block("sh variables") : ""}${script}`.replace(
          "ENDPOINT",
          `https://${machine.authority}`,
        ),
        aws,
      );
    const transfers = Promise.all([start(upload), start(download)]);
    await Promise.race([
      Promise.all([bucket.uploading, isDownloading(join(folder, "down"))]),
      transfers.then((ended) => expect.fail(`ended before the revoke: ${JSON.stringify(ended)}`)),
    ]);
    await revoke(machine, end);
    const sent = bucket.requests.length;
    for (const { code, stdout, stderr } of await transfers) {
      expect(code, stdout + stderr).toBeGreaterThan(0);
      expect(stderr).toMatch(/401|Unauthorized/);
    }
    expect(new Set(await bucket.endsOfUploads())).toEqual(new Set(["aborted"]));
    expect(bucket.requests).toHaveLength(sent);
    expect(machine.otherHosts.found()).toEqual([]);
  },
);

/** Waits until a client has written some of what it downloads into a folder. */
function isDownloading(folder: string): Promise<void> {
  const sizes = async () => {
    const names = await readdir(folder);
    return Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  };
  return expect.poll(async () => Math.max(0, ...(await sizes())), { timeout: 100_000 }).toBeGreaterThan(0);
}
