// One work, measured: everybody is started and warmed up, then the rounds go from one to the next.
import { compare, disagreement, rotated } from "./compare.mjs";
import { environment } from "./environments.mjs";
import { PEERS } from "./peers.mjs";
import { prepareWork } from "./prepare.mjs";
import { runJob, startPeer } from "./runner.mjs";
import { WORKS } from "./works.mjs";

/** { version, round, stop } of a peer that is ready for the work; throws why it is not. */
async function open(name, work, folder, options) {
  const peer = PEERS[name];
  const { command, reason } = await environment(peer.environment);
  if (reason) throw new Error(reason);
  const whole = command(peer.program);
  const process = await startPeer(whole, peer.env);
  const { version } = process;
  if (work.kind === "job") {
    await process.stop();
    const round = () => runJob(() => peer.job(whole, folder, options), folder);
    return { version, round, stop: async () => {} };
  }
  const request = { folder, ...options, ...peer.request };
  return { version, round: () => process.ask(request), stop: () => process.stop() };
}

/**
 * Yields a row per peer: { work, peer, peerVersion, graft, peerMedian, ratio, lowest, highest, notes }, or with
 * `skipped`, why there are no numbers, or `wrong`, why they do not count. Throws where Graft itself fails.
 */
export async function* measureWork(name, peers, { rounds, backend, tell }) {
  const work = WORKS[name];
  const folder = await prepareWork(name, work);
  const skipped = new Map();
  const running = new Map();
  const answers = new Map();
  const attempt = async (peer, action) => {
    try {
      return await action();
    } catch (error) {
      if (peer === "graft") throw new Error(`Graft: ${error.message}`, { cause: error });
      skipped.set(peer, error.message);
      return undefined;
    }
  };
  try {
    for (const peer of ["graft", ...peers]) {
      tell(`${name}: ${peer} starts`);
      const opened = await attempt(peer, () => open(peer, work, folder, { backend }));
      if (!opened) continue;
      running.set(peer, opened);
      if (await attempt(peer, opened.round)) answers.set(peer, []); // the warm-up
    }
    for (let round = 0; round < rounds; round++) {
      tell(`${name}: round ${round + 1} of ${rounds}`);
      for (const peer of rotated([...answers.keys()], round)) {
        const answer = await attempt(peer, running.get(peer).round);
        if (answer) answers.get(peer).push(answer);
        else answers.delete(peer);
      }
    }
  } finally {
    for (const { stop } of running.values()) await stop();
  }
  const seconds = (peer) => answers.get(peer).map((answer) => answer.seconds);
  const graft = answers.get("graft").at(-1);
  for (const peer of peers) {
    const row = { work: name, peer, peerVersion: running.get(peer)?.version };
    if (!answers.has(peer)) {
      yield { ...row, skipped: skipped.get(peer) };
      continue;
    }
    const tolerance = PEERS[peer].agrees[work.kind];
    const wrong = disagreement(graft.check, answers.get(peer).at(-1).check, tolerance);
    const numbers = compare(seconds("graft"), seconds(peer));
    yield { ...row, ...numbers, notes: graft.notes ?? {}, ...(wrong && { wrong }) };
  }
}
