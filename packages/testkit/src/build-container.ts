import type { Instruction, Stage } from "./container-file.ts";

/** What a container is started with, of the last stage. */
export interface ContainerConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly volume: string;
  readonly workdir: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly health: readonly string[];
  readonly stopSignal: string;
  readonly ports: readonly string[];
}

export function readConfig(stages: readonly Stage[]): ContainerConfig {
  const { instructions } = stages.at(-1)!;
  const last = (name: string): string => instructions.findLast((one) => one.name === name)?.text ?? "";
  const list = (text: string): readonly string[] => JSON.parse(text.replace(/^CMD /, ""));
  const env = last("ENV")
    .split(" ")
    .map((pair) => [pair.replace(/=.*/, ""), pair.replace(/^[^=]*=/, "")] as const);
  return {
    env: Object.fromEntries(env),
    user: last("USER"),
    volume: last("VOLUME"),
    workdir: last("WORKDIR"),
    entrypoint: list(last("ENTRYPOINT")),
    command: list(last("CMD")),
    health: list(last("HEALTHCHECK")),
    stopSignal: last("STOPSIGNAL"),
    ports: last("EXPOSE").split(" "),
  };
}

/** Instructions that a container is started with: they change no file. */
const OF_START = new Set([
  "ENV",
  "VOLUME",
  "EXPOSE",
  "USER",
  "STOPSIGNAL",
  "HEALTHCHECK",
  "ENTRYPOINT",
  "CMD",
]);

/**
 * Writes the script that carries out the stages, with the functions of build-container.sh.
 *
 * @throws Error for an instruction that it does not know.
 */
export function buildScript(stages: readonly Stage[]): string {
  return stages
    .map((stage, index) => {
      const name = stage.name === "" ? `stage-${index}` : stage.name;
      const base = stage.base.startsWith("$") ? "" : stage.base;
      return [`stage ${quote(name)} ${quote(base)}`, ...stage.instructions.map(toCommand)].join("\n");
    })
    .join("\n");
}

function toCommand({ name, flags, text }: Instruction): string {
  if (OF_START.has(name)) return ":";
  if (name === "WORKDIR") return `workdir ${quote(text)}`;
  if (name === "RUN") return `run ${quote(text)}`;
  if (name === "COPY")
    return `copy ${quote(flags.get("from") ?? "")} ${text.split(" ").map(quote).join(" ")}`;
  throw new Error(`unknown instruction ${name}`);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
