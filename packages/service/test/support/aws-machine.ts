import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { AWS_KEY } from "../../../testkit/src/aws4-reference.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import { run } from "../../../testkit/src/run.ts";
import type { ClientMachine } from "./client-machine.ts";
import { grant, startClientMachine } from "./client-machine.ts";
import type { ClientPage } from "./client-page.ts";
import { readClientPage } from "./client-page.ts";
import type { OtherHosts } from "./other-hosts.ts";
import { watchOtherHosts } from "./other-hosts.ts";
import { programsOnPath } from "./programs.ts";

/** A machine on which the clients of docs/clients/aws.md run as the page says. */
export interface AwsMachine extends ClientMachine {
  readonly page: ClientPage;
  readonly otherHosts: OtherHosts;
  /** Writes the configuration of all clients. */
  configure(token: string): Promise<void>;
  /** The folder below the home directory with the files of a test. */
  readonly files: string;
  /** Runs a script in a folder, with a program as `aws`. */
  runScript(folder: string, script: string, aws?: AwsCli): Promise<ProcessResult>;
}

/** Exports a target as the page says, and configures all clients with the capability. */
export async function configureFor(
  machine: AwsMachine,
  { url }: { readonly url: string },
  service = "s3",
  fields: object = {},
): Promise<{ readonly token: string; readonly revoke: string }> {
  const granted = await grant(machine, {
    ...machine.page.exportBody(url),
    ...fields,
    uri: url,
    hmac: { "aws4-hmac-sha256": { ...AWS_KEY, service } },
  });
  await machine.configure(granted.token);
  return granted;
}

export async function startAwsMachine(): Promise<AwsMachine> {
  const page = await readClientPage("aws", "s3.example");
  const otherHosts = await watchOtherHosts();
  const machine = await startClientMachine((ca) => ({
    AWS_PROFILE: "membrane",
    AWS_CA_BUNDLE: ca,
    RCLONE_CA_CERT: ca,
    // Parts as small as S3 allows, for uploads and downloads that rclone makes in parts of 200 MB otherwise.
    RCLONE_S3_UPLOAD_CUTOFF: "5Mi",
    RCLONE_S3_CHUNK_SIZE: "5Mi",
    ...otherHosts.variables,
  }));
  const files = join(machine.home, "files");
  await mkdir(files);
  await mkdir(join(machine.home, ".aws"));
  await mkdir(join(machine.home, ".config/rclone"), { recursive: true });
  return {
    ...machine,
    page,
    otherHosts,
    files,
    async configure(token) {
      const names = { ...machine, token };
      await machine.write(".aws/config", page.block("ini", names));
      await machine.write(".config/rclone/rclone.conf", page.block("ini rclone.conf", names));
      const s3cfg = page.block("ini .s3cfg", names);
      await machine.write(".s3cfg", `${s3cfg}ca_certs_file = ${machine.ca}\n`);
    },
    runScript(folder, script, aws) {
      const asAws = aws === undefined ? "" : `aws() { '${aws.path}' "$@"; }\n`;
      const alias = aws?.needsAlias === true ? page.block("sh alias", { ...machine, token: "" }) : "";
      return machine.run("sh", ["-ec", `cd '${folder}'\n${asAws}${alias}${script}`]);
    },
    async [Symbol.asyncDispose]() {
      await machine[Symbol.asyncDispose]();
      await otherHosts[Symbol.asyncDispose]();
    },
  };
}

/** One of the programs with the name `aws`. */
export interface AwsCli {
  readonly path: string;
  readonly version: string;
  /** Whether its profile does not know `endpoint_url` yet. */
  readonly needsAlias: boolean;
}

/** Every AWS CLI on PATH. */
export function findAwsClis(): Promise<readonly AwsCli[]> {
  return Promise.all(
    programsOnPath("aws").map(async (path) => {
      const { stdout } = await run(path, ["--version"], { env: process.env });
      const [, version = "", major, minor] = /^aws-cli\/((\d+)\.(\d+)\S*)/.exec(stdout) ?? [];
      return { path, version, needsAlias: Number(minor) < (major === "1" ? 29 : 13) };
    }),
  );
}
