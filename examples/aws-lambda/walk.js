// Runs guides from their first step to their last, once for each tab, with a real service and an endpoint that checks signatures;
// with AWS itself when AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_LAMBDA_FUNCTION_NAME are set.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAws, startLocalAws } from "./aws.js";
import { TABS, codeOf, fillIn, readGuide } from "./guide.js";
import { runCode } from "./run-code.js";
import { startService } from "./service.js";

const [CREATE, EXPORT, INVOKE, REVOKE] = [0, 1, 2, 3];

for (const path of process.argv.slice(2)) await walk(path);

/** @param {string} path */
async function walk(path) {
  const guide = readGuide(await readFile(path, "utf8"));
  const directory = await mkdtemp(join(tmpdir(), "membrane-guide-"));
  const real = readAws();
  const aws = real ?? (await startLocalAws(directory));
  try {
    const service = await startService(directory, guide.host, aws);
    try {
      for (const tab of TABS.keys()) {
        await runSteps(guide, tab, service, aws);
        console.log(
          `${path}: ${tab} works from create to revoke${real === undefined ? "" : ", against AWS"}.`,
        );
      }
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
 * @param {import("./guide.js").Tab} tab
 * @param {import("./service.js").Service} service
 * @param {import("./aws.js").Aws} aws
 */
async function runSteps(guide, tab, service, aws) {
  const variables = {
    CREATE_URI: service.create,
    CREATE_TOKEN: service.create.replace(/.*#/, ""),
    AWS_REGION: aws.region,
    AWS_LAMBDA_FUNCTION_NAME: aws.functionName,
    ACCESS_KEY_ID: aws.accessKeyId,
    SECRET_ACCESS_KEY: aws.secretAccessKey,
  };
  /** @type {Map<string, string>} */
  const tokens = new Map();
  /** @param {number} step @param {import("./guide.js").Tab} by */
  const perform = async (step, by = tab, values = variables) => {
    const { language, code } = codeOf(guide.steps[step], by);
    const outcome = await runCode(language, fillIn(code, values, tokens), service.environments[language]);
    return { ...outcome, told: describeOutcome(code, outcome, aws.secretAccessKey) };
  };
  /** @param {Performed} outcome @param {"export" | "revoke" | "capability"} name */
  const remember = (outcome, name) => tokens.set(guide.examples[name], tokenIn(outcome, name));

  const created = expectStatus(await perform(CREATE), 201);
  remember(created, "export");
  remember(created, "revoke");
  remember(expectStatus(await perform(EXPORT), 201), "capability");
  expectStatus(await perform(INVOKE), 200, aws.answer);

  if (aws.isLocal) {
    // The endpoint refuses a wrong secret, so it has checked the signature of the requests before.
    const right = new Map(tokens);
    const wrong = { ...variables, SECRET_ACCESS_KEY: "wrong" };
    remember(expectStatus(await perform(EXPORT, tab, wrong), 201), "capability");
    expectStatus(await perform(INVOKE, "curl"), 403, "SignatureDoesNotMatch");
    for (const [example, token] of right) tokens.set(example, token);
  }

  expectStatus(await perform(REVOKE), 202);
  expectStatus(await perform(REVOKE), 202);
  expectStatus(await perform(INVOKE, "curl"), 401);
}

/** @typedef {import("./run-code.js").Outcome & { told: string }} Performed `told`: the part that a message may show */

/**
 * Describes the guide's code and its output without the secrets, since many can read a log.
 *
 * @param {string} code
 * @param {import("./run-code.js").Outcome} outcome
 * @param {string} secret
 */
function describeOutcome(code, { exitCode, stdout, stderr }, secret) {
  const output = `${stdout}${stderr}`
    .replaceAll(secret, "***")
    .replace(/CPBLTY1-[A-Za-z0-9_-]{86}/g, "CPBLTY1-***");
  return `exit code ${exitCode}:\n${output}\nof\n${code}`;
}

/**
 * Checks that the code succeeded, and that a status that it prints is the expected one.
 *
 * @param {Performed} outcome
 * @param {number} status
 * @param {string} [text] that the response must contain
 */
function expectStatus(outcome, status, text = "") {
  const printed = /^\d{3}$/m.exec(outcome.stdout)?.[0] ?? String(status);
  const isRight = outcome.exitCode === 0 && outcome.stderr === "" && printed === String(status);
  if (isRight && outcome.stdout.includes(text)) return outcome;
  throw new Error(`expected ${status} ${text}, got ${outcome.told}`);
}

/**
 * Finds a token by its name, which JSON has in quotes and console.log prints without.
 *
 * @param {Performed} outcome
 * @param {string} name
 */
function tokenIn({ stdout, told }, name) {
  const token = new RegExp(`"?${name}"?:\\s*["']cpblty://[^#]+#(CPBLTY1-[A-Za-z0-9_-]{86})["']`).exec(
    stdout,
  )?.[1];
  if (token === undefined) throw new Error(`the response has no "${name}": ${told}`);
  return token;
}
