// Arithmetic of the bench: rounds to medians and ratios. No processes, no files.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Who goes first changes from round to round. */
export const rotated = (list, by) => [
  ...list.slice(by % list.length),
  ...list.slice(0, by % list.length),
];

/** Why a peer did other work than Graft, or undefined. `tolerance` is relative; undefined: there is nothing to compare. */
export function disagreement(ours, theirs, tolerance) {
  if (tolerance === undefined) return undefined;
  const difference = Math.abs(ours - theirs) / Math.max(Math.abs(ours), Math.abs(theirs));
  if (difference <= tolerance) return undefined;
  return `its result is ${theirs}, Graft's is ${ours}; they may differ by ${tolerance * 100} %`;
}

/** Medians over rounds, their ratio, and the smallest and largest ratio of one round. */
export function compare(graft, peer) {
  const ratios = peer.map((seconds, round) => seconds / graft[round]);
  return {
    graft: median(graft),
    peerMedian: median(peer),
    ratio: median(peer) / median(graft),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}
