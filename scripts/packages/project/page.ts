// The SDK for browsers, without any type of Node.js. This file is only compiled.
import CapabilitySDK, { CapabilityError, type Membrane, fetch } from "capability-sdk";

export async function invoke(create: string): Promise<string> {
  const membrane: Membrane = CapabilitySDK.Membrane();
  try {
    const { capabilities } = await membrane.create(create, { id: "friends" });
    const { capability } = await membrane.export(capabilities.export, { uri: "https://example.com/" });
    const response: Response = await fetch(capability);
    return await response.text();
  } catch (error) {
    // @ts-expect-error: a string
    if (error instanceof CapabilityError) return error.code satisfies number;
    throw error;
  }
}
