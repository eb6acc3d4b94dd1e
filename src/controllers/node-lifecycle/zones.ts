/**
 * How fast nodes may get NoExecute taints, by the health of their zone: when many nodes fall silent together, it is more
 * likely that we are cut off than that they all died.
 *
 *   all zones without a ready node ─▶ nothing is evicted at all, taints that caused evictions go
 *   a zone with 55 % unready or more ─▶ one node in 100 s if it has more than 50 nodes, else none
 *   otherwise ─▶ one node in 10 s
 *
 * Counts are kept node by node. Upstream: kubernetes v1.35, pkg/controller/nodelifecycle (ComputeZoneState, handleDisruption).
 */
import { Fifo } from "../../base/index.ts";

export interface ZoneFigures {
  /** Nodes tainted per second in a healthy zone. */
  readonly evictionRate: number;
  /** The same in a large zone that is partly disrupted. */
  readonly secondaryEvictionRate: number;
  /** A zone is large above this many nodes. */
  readonly largeZoneNodes: number;
  /** Share of unready nodes from which a zone counts as disrupted. */
  readonly unhealthyShare: number;
}

/** Upstream's defaults. */
export const zoneFigures: ZoneFigures = {
  evictionRate: 0.1,
  secondaryEvictionRate: 0.01,
  largeZoneNodes: 50,
  unhealthyShare: 0.55,
};

/** Fewer unready nodes than this never make a disruption: two of three may really have died. */
const disruptedNodesMin = 3;

export type ZoneState = "normal" | "partial-disruption" | "full-disruption";

export function zoneStateOf(ready: number, unready: number, figures: ZoneFigures = zoneFigures): ZoneState {
  if (ready === 0 && unready > 0) return "full-disruption";
  const isDisrupted = unready >= disruptedNodesMin && unready / (ready + unready) >= figures.unhealthyShare;
  return isDisrupted ? "partial-disruption" : "normal";
}

interface Zone {
  ready: number;
  unready: number;
  /** Names that wait for their NoExecute taint; some may be well again. */
  waiting: Fifo<string>;
  lastTaintMs: number;
}

interface Member {
  readonly zone: string;
  isReady: boolean;
}

export class Zones {
  readonly #figures: ZoneFigures;
  readonly #zones = new Map<string, Zone>();
  readonly #members = new Map<string, Member>();
  #ready = 0;

  constructor(figures: ZoneFigures = zoneFigures) {
    this.#figures = figures;
  }

  /** True while no node anywhere is ready: nothing may be evicted then. */
  get isBlind(): boolean {
    return this.#ready === 0 && this.#members.size > 0;
  }

  get unreadyCount(): number {
    return this.#members.size - this.#ready;
  }

  /**
   * Takes in a node's readiness. O(1). A node that becomes unready waits in its zone's line.
   * @returns false when that was known.
   */
  set(name: string, zoneName: string, isReady: boolean): boolean {
    const known = this.#members.get(name);
    if (known?.zone === zoneName && known.isReady === isReady) return false;
    if (known !== undefined) this.#count(known, -1);
    const member = { zone: zoneName, isReady };
    this.#members.set(name, member);
    this.#count(member, 1);
    if (!isReady) this.#zone(zoneName).waiting.push(name);
    return true;
  }

  /** Nobody waits for a taint any more. O(zones). */
  clearLines(): void {
    for (const zone of this.#zones.values()) zone.waiting = new Fifo();
  }

  /** Puts an unready node in line again. */
  wait(name: string): void {
    const member = this.#members.get(name);
    if (member !== undefined && !member.isReady) this.#zone(member.zone).waiting.push(name);
  }

  remove(name: string): void {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    this.#count(member, -1);
    const zone = this.#zone(member.zone);
    if (zone.ready + zone.unready === 0) this.#zones.delete(member.zone);
  }

  /** @returns nodes whose turn to get a NoExecute taint has come; none while blind. */
  due(nowMs: number): readonly string[] {
    if (this.isBlind) return [];
    const names: string[] = [];
    for (const zone of this.#zones.values()) {
      const rate = this.#rateOf(zone);
      while (rate > 0 && nowMs - zone.lastTaintMs >= 1000 / rate) {
        const name = this.#nextUnready(zone);
        if (name === undefined) break;
        names.push(name);
        zone.lastTaintMs = nowMs;
      }
    }
    return names;
  }

  #rateOf(zone: Zone): number {
    const figures = this.#figures;
    if (zoneStateOf(zone.ready, zone.unready, figures) !== "partial-disruption") return figures.evictionRate;
    return zone.ready + zone.unready > figures.largeZoneNodes ? figures.secondaryEvictionRate : 0;
  }

  #nextUnready(zone: Zone): string | undefined {
    for (;;) {
      const name = zone.waiting.shift();
      if (name === undefined || this.#members.get(name)?.isReady === false) return name;
    }
  }

  #zone(name: string): Zone {
    let zone = this.#zones.get(name);
    if (zone === undefined) {
      zone = { ready: 0, unready: 0, waiting: new Fifo(), lastTaintMs: -Infinity };
      this.#zones.set(name, zone);
    }
    return zone;
  }

  #count({ zone: name, isReady }: Member, sign: 1 | -1): void {
    const zone = this.#zone(name);
    if (isReady) {
      zone.ready += sign;
      this.#ready += sign;
    } else zone.unready += sign;
  }
}
