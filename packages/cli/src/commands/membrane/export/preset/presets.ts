import { ANTHROPIC } from "./anthropic.ts";
import { ANY_HTTP } from "./any-http.ts";
import { DYNAMODB } from "./dynamodb.ts";
import { GITHUB } from "./github.ts";
import { LAMBDA } from "./lambda.ts";
import { MCP } from "./mcp.ts";
import { OPENAI } from "./openai.ts";
import type { Preset } from "./preset.ts";
import type { PresetName } from "./preset-options.ts";
import { S3 } from "./s3.ts";

const BY_NAME: Readonly<Record<PresetName, Preset>> = {
  openai: OPENAI,
  anthropic: ANTHROPIC,
  github: GITHUB,
  s3: S3,
  lambda: LAMBDA,
  dynamodb: DYNAMODB,
  mcp: MCP,
  "any-http": ANY_HTTP,
};

/** Every preset by its name. */
export const PRESETS: ReadonlyMap<string, Preset> = new Map(Object.entries(BY_NAME));
