import { subscribe, unsubscribe } from 'node:diagnostics_channel';

type Listener = (message: unknown) => void;

/** Listens on channels of `node:diagnostics_channel` until it is stopped. */
export class ChannelListeners {
  private readonly listeners: [channel: string | symbol, listener: Listener][] = [];

  /** @param listener gets the messages of the channel, which determines their type */
  on(channel: string | symbol, listener: (message: never) => void): void {
    subscribe(channel, listener as Listener);
    this.listeners.push([channel, listener as Listener]);
  }

  stop(): void {
    for (const [channel, listener] of this.listeners.splice(0)) unsubscribe(channel, listener);
  }
}
