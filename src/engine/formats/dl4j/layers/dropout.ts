// Dropout on a layer's input. DL4J's probability is that of keeping.
import { real, typedField } from "../typed";
import { add, opaqueFunction, type Site } from "./lifting";

/** `x` as the layer takes it in: behind its dropout, where it has one. */
export function dropped(site: Site, x: string): string {
  const { layer } = site;
  const dropout = typedField("layer", layer, "idropout");
  if (dropout === undefined) {
    // Up to 0.9.1 a number; 0 is none.
    const kept = real(layer, "dropOut", 0);
    return kept > 0 && kept < 1 ? add(site, "Dropout", [x], { rate: 1 - kept }) : x;
  }
  if (dropout.type !== "Dropout") return opaqueFunction(site, dropout.type, x);
  const kept = real(dropout, "p", 1);
  return kept < 1 ? add(site, "Dropout", [x], { rate: roundedOff(1 - kept) }) : x;
}

/** 1 − 0.8 without the rounding error of the difference. */
const roundedOff = (rate: number): number => Number(rate.toPrecision(12));
