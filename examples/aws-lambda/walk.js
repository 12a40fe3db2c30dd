// Walks a guide from its first curl command to its last, against a real service and an endpoint that checks signatures;
// against AWS itself when AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_LAMBDA_FUNCTION_NAME are set.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ensureServerCertificate } from "../../packages/service/dist/tls/server-certificate.js";
import { startEndpoint } from "./endpoint.js";
import { fillIn, readGuide } from "./guide.js";

const run = promisify(execFile);
const MEMBRANE = fileURLToPath(new URL("../../packages/service/bin/membrane.js", import.meta.url));
const NAMES = new URL("names.js", import.meta.url).href;
const CURL_SECONDS = 30;

const guides = process.argv.slice(2);
for (const guide of guides) await walk(guide);

/** @param {string} path */
async function walk(path) {
  const guide = readGuide(await readFile(path, "utf8"));
  const directory = await mkdtemp(join(tmpdir(), "membrane-guide-"));
  const real = readRealAws();
  const aws = real ?? (await startLocalAws(directory));
  try {
    const service = await startService(directory, guide.host, aws);
    try {
      await follow(guide, directory, service, aws);
      console.log(`${path}: all curl commands work${real === undefined ? "" : ", against AWS"}.`);
    } finally {
      await service.end();
    }
  } finally {
    await aws.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * @param {import("./guide.js").Guide} guide
 * @param {string} directory
 * @param {{ create: string }} service
 * @param {Aws} aws
 */
async function follow(guide, directory, service, aws) {
  const variables = {
    CREATE_TOKEN: service.create,
    AWS_REGION: aws.region,
    AWS_LAMBDA_FUNCTION_NAME: aws.functionName,
    ACCESS_KEY_ID: aws.accessKeyId,
    SECRET_ACCESS_KEY: aws.secretAccessKey,
  };
  /** @type {Map<string, string>} */
  const tokens = new Map();
  /** @param {number} step */
  const perform = async (step, values = variables) => {
    const command = fillIn(guide.commands[step] ?? "", values, tokens);
    const script = `${command} --silent --show-error --max-time ${CURL_SECONDS} --write-out '\\n%{http_code}'`;
    const { stdout } = await run("bash", ["-c", script], { env: { ...process.env, CURL_HOME: directory } });
    const [status, ...lines] = stdout.split("\n").toReversed();
    return { status: Number(status), body: lines.toReversed().join("\n") };
  };

  const created = JSON.parse(demand(await perform(0), 201));
  tokens.set(guide.examples.export, tokenOf(created.capabilities.export));
  tokens.set(guide.examples.revoke, tokenOf(created.capabilities.revoke));
  const exported = JSON.parse(demand(await perform(1), 201));
  tokens.set(guide.examples.capability, tokenOf(exported.capability));
  demand(await perform(2), 200);

  if (aws.isLocal) {
    // A wrong secret is refused by the endpoint: what passed above was a signature that was checked.
    const wrong = JSON.parse(demand(await perform(1, { ...variables, SECRET_ACCESS_KEY: "wrong" }), 201));
    tokens.set(guide.examples.capability, tokenOf(wrong.capability));
    if (!demand(await perform(2), 403).includes("SignatureDoesNotMatch"))
      throw new Error("a wrong secret was accepted");
    tokens.set(guide.examples.capability, tokenOf(exported.capability));
  }

  demand(await perform(3), 202);
  demand(await perform(3), 202);
  demand(await perform(2), 401);
}

/**
 * @param {{ status: number, body: string }} answer
 * @param {number} status
 */
function demand(answer, status) {
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}: ${answer.body}`);
  return answer.body;
}

/**
 * @typedef {{ region: string, functionName: string, accessKeyId: string, secretAccessKey: string,
 *   environment: Record<string, string>, isLocal: boolean, close: () => Promise<void> }} Aws
 */

/** @returns {Aws | undefined} */
function readRealAws() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_LAMBDA_FUNCTION_NAME, AWS_REGION } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY || !AWS_LAMBDA_FUNCTION_NAME) return undefined;
  return {
    region: AWS_REGION ?? "us-east-1",
    functionName: AWS_LAMBDA_FUNCTION_NAME,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    environment: {},
    isLocal: false,
    close: () => Promise.resolve(),
  };
}

/**
 * @param {string} directory
 * @returns {Promise<Aws>}
 */
async function startLocalAws(directory) {
  const aws = {
    region: "us-east-1",
    functionName: "hello",
    accessKeyId: "AKIDEXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG",
  };
  const host = `lambda.${aws.region}.amazonaws.com`;
  const certificates = join(directory, "lambda-tls");
  const tls = await ensureServerCertificate({
    directory: certificates,
    authorities: [host],
    now: new Date(),
  });
  const endpoint = await startEndpoint({ tls, functionName: aws.functionName, credentials: aws });
  return {
    ...aws,
    environment: {
      NODE_OPTIONS: `--import ${NAMES}`,
      NODE_EXTRA_CA_CERTS: join(certificates, "ca.pem"),
      NAMES: `${host}=${endpoint.port}`,
      MEMBRANE_ALLOW_TARGET: "127.0.0.0/8",
    },
    isLocal: true,
    close: endpoint.close,
  };
}

/**
 * @param {string} directory
 * @param {string} host
 * @param {Aws} aws
 */
async function startService(directory, host, aws) {
  const data = join(directory, "data");
  const flags = ["--data", data, "--authority", host];
  const { stdout } = await run(process.execPath, [MEMBRANE, "init", ...flags, "--json"]);
  const first = JSON.parse(stdout);
  const service = spawn(process.execPath, [MEMBRANE, "serve", ...flags, "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...aws.environment },
  });
  const port = await readyPort(service.stderr);
  // How curl finds the host of the guide, without a change to its commands.
  await writeFile(
    join(directory, ".curlrc"),
    `connect-to = "${host}:443:127.0.0.1:${port}"\ncacert = "${first.ca}"\n`,
  );
  return {
    create: tokenOf(first.capabilities.create),
    async end() {
      const ended = once(service, "exit");
      service.kill("SIGTERM");
      await ended;
    },
  };
}

/** @param {import("node:stream").Readable} log */
async function readyPort(log) {
  const lines = [];
  for await (const line of createInterface({ input: log })) {
    lines.push(line);
    const event = line.startsWith("{") ? JSON.parse(line) : {};
    if (event.msg !== "ready") continue;
    log.resume();
    return event.port;
  }
  throw new Error(`the service did not start: ${lines.join("\n")}`);
}

/** @param {string} uri */
function tokenOf(uri) {
  return uri.slice(uri.indexOf("#") + 1);
}
