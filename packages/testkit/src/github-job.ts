import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What the files of this repository are called in workflows. */
const REPOSITORY = /^example\/membrane\/(.+)@main$/;

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string | number>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly required?: boolean; readonly default?: string }>>;
  readonly outputs?: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: "composite"; readonly steps: readonly Step[] };
}

/** How a job ended. */
export interface JobResult {
  readonly isFailed: boolean;
  /** What its page shows, with `***` in place of what was masked. */
  readonly log: string;
}

/** What expressions can name: `inputs.NAME`, `secrets.NAME`, `steps.ID.outputs.NAME`. */
type Contexts = Readonly<Record<string, unknown>>;

/**
 * Runs the steps of a job of GitHub Actions as a runner does, each in a separate shell: composite actions of this repository, expressions,
 * masks, outputs, and `if: always()`.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
 * @param env of all steps, besides the runner's own variables.
 */
export async function runJob(
  steps: readonly Step[],
  secrets: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
): Promise<JobResult> {
  await using directory = await temporaryDirectory();
  const masks = new Set(Object.values(secrets).filter((secret) => secret !== ""));
  const log: string[] = [];
  let stepCount = 0;

  async function runSteps(all: readonly Step[], contexts: Contexts, actionPath = ""): Promise<Outcome> {
    const outputs: Record<string, { readonly outputs: Readonly<Record<string, string>> }> = {};
    let isFailed = false;
    for (const step of all) {
      if (isFailed && step.if !== "always()") continue;
      const outcome = await runStep(step, { ...contexts, steps: outputs }, actionPath);
      if (step.id !== undefined) outputs[step.id] = { outputs: outcome.outputs };
      isFailed ||= outcome.isFailed;
    }
    return { isFailed, outputs: {}, steps: outputs };
  }

  async function runStep(step: Step, contexts: Contexts, actionPath: string): Promise<Outcome> {
    if (step.uses !== undefined) return runAction(step, contexts);
    stepCount += 1;
    const place = join(directory.path, String(stepCount));
    await mkdir(place);
    const output = join(place, "output");
    await writeFile(output, "");
    await writeFile(join(place, "script.sh"), fillIn(step.run ?? "", contexts));
    const { code, stdout, stderr } = await run(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", join(place, "script.sh")],
      {
        cwd: place,
        env: {
          ...env,
          GITHUB_ACTION_PATH: actionPath,
          GITHUB_OUTPUT: output,
          GITHUB_REPOSITORY: "owner/name",
          GITHUB_RUN_ID: "1",
          ...mapValues(step.env ?? {}, (value) => fillIn(value, contexts)),
        },
      },
    );
    for (const line of `${stdout}${stderr}`.split(/\r\n|[\r\n]/)) {
      const mask = /^::add-mask::(.+)$/.exec(line)?.[1];
      if (mask === undefined) log.push(hide(line));
      else masks.add(mask);
    }
    return { isFailed: code !== 0, outputs: readOutputs(await readFile(output, "utf8")), steps: {} };
  }

  async function runAction(step: Step, contexts: Contexts): Promise<Outcome> {
    const [, path = ""] = REPOSITORY.exec(step.uses ?? "") ?? [];
    const actionPath = join(ROOT, path);
    const action: Action = parse(await readFile(join(actionPath, "action.yml"), "utf8"));
    const given = step.with ?? {};
    const unknown = Object.keys(given).find((name) => !(name in action.inputs));
    if (unknown !== undefined) throw new Error(`${step.uses}: unknown input ${unknown}`);
    const inputs = Object.fromEntries(
      Object.entries(action.inputs).map(([name, { required = false, default: usual = "" }]) => {
        if (required && !(name in given)) throw new Error(`${step.uses}: the input ${name} is missing`);
        return [name, fillIn(String(given[name] ?? usual), contexts)];
      }),
    );
    const { isFailed, steps: inner } = await runSteps(action.runs.steps, { inputs }, actionPath);
    const outputs = mapValues(action.outputs ?? {}, ({ value }) => fillIn(value, { steps: inner }));
    return { isFailed, outputs, steps: {} };
  }

  function hide(line: string): string {
    let shown = line;
    for (const mask of masks) shown = shown.replaceAll(mask, "***");
    return shown;
  }

  const { isFailed } = await runSteps(steps, { secrets });
  return { isFailed, log: log.join("\n") };
}

interface Outcome {
  readonly isFailed: boolean;
  readonly outputs: Readonly<Record<string, string>>;
  readonly steps: Readonly<Record<string, { readonly outputs: Readonly<Record<string, string>> }>>;
}

/** Puts values in place of `${{ a.b.c }}`; what does not exist is empty. */
function fillIn(text: string, contexts: Contexts): string {
  return text.replaceAll(/\$\{\{ ([\w.-]+) \}\}/g, (_, path: string) => {
    const [context = "", ...names] = path.split(".");
    if (!(context in contexts)) throw new Error(`no context has ${path}`);
    let value = contexts[context];
    for (const name of names) value = value instanceof Object ? Reflect.get(value, name) : undefined;
    return typeof value === "string" ? value : "";
  });
}

function readOutputs(text: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}

function mapValues<A, B>(
  values: Readonly<Record<string, A>>,
  convert: (value: A) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, convert(value)]));
}
