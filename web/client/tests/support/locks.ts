/** Web Locks within one process: one holder for each name, in the order of the requests. */
export function fakeLocks(): Pick<LockManager, 'request'> {
  const queues = new Map<string, Promise<unknown>>();
  const request = (name: string, work: () => Promise<unknown>): Promise<unknown> => {
    const queued = (queues.get(name) ?? Promise.resolve()).then(work, work);
    queues.set(name, queued);
    return queued;
  };
  return { request } as unknown as LockManager;
}
