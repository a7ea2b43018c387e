// What a person may ask fresh kernels to start from.
import { z } from "zod";

export const InitializerSchema = z
  .enum(["glorotUniform", "heNormal", "zeros"])
  .describe("What new weights start from. Biases start from zero.");
