import type { LockState } from '../stores/lock-state.js';

/** A line about a lock. Without its owner, which would be enough to release it. */
export function describeState(name: string, state: LockState): string {
  const lock = `Lock ${JSON.stringify(name)}`;
  const { held, mode, holds, remainingMs, token, holder } = state;
  if (!held) return `${lock} is free.`;
  const how = mode === undefined || mode === 'exclusive' ? 'held' : `held (${mode})`;
  const service = holder?.service === undefined ? '' : `${holder.service} ${holder.version ?? ''}`.trim();
  const where = holder === undefined ? 'a process that is not known' : `pid ${String(holder.pid)} on ${holder.host}`;
  const facts = [
    ...(holds > 1 ? [`${String(holds)} holds`] : []),
    remainingMs === undefined ? 'no lease' : `${String(remainingMs)} ms left`,
    ...(token === undefined ? [] : [`token ${String(token)}`]),
  ];
  return `${lock} is ${how} by ${[service, where].filter((each) => each !== '').join(', ')}: ${facts.join(', ')}.`;
}
