/** Runs at most `runningMax` tasks at once; the others wait in order. Not here: rates over time. */

export interface Limiter {
  /** Runs `task` when there is room; settles as the task does. */
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Tasks that wait or run. */
  readonly pending: number;
}

export function createLimiter(runningMax: number): Limiter {
  let running = 0;
  let waiting: (() => void)[] = [];
  let head = 0;
  const enter = async (): Promise<void> => {
    if (running < runningMax) {
      running++;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };
  const leave = (): void => {
    const next = waiting[head];
    if (next === undefined) {
      running--;
      return;
    }
    head++;
    if (head > 1024 && head * 2 > waiting.length) {
      waiting = waiting.slice(head);
      head = 0;
    }
    next();
  };
  return {
    get pending(): number {
      return running + waiting.length - head;
    },
    async run<T>(task: () => Promise<T>): Promise<T> {
      await enter();
      try {
        return await task();
      } finally {
        leave();
      }
    },
  };
}
