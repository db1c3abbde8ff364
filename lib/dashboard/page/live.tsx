import { useEffect, useState } from 'preact/hooks';
import type { FleetTick, FleetUpdate, ShownEvent } from '../fleet-tick.js';
import { streamAddress } from './api.js';

/** Points that the charts show: five minutes. */
const MOST_TICKS = 300;
const MOST_EVENTS = 200;
const RETRY = 5_000;

export interface Live {
  readonly state: 'connecting' | 'live' | 'lost';
  readonly ticks: readonly FleetTick[];
  /** The newest first. */
  readonly events: readonly ShownEvent[];
  readonly latest: FleetUpdate | undefined;
}

const NOTHING: Live = { state: 'connecting', ticks: [], events: [], latest: undefined };

/** What the stream has told so far. */
export function useLive(): Live {
  const [live, setLive] = useState(NOTHING);
  useEffect(() => {
    let source: EventSource;
    let retry = 0;
    const open = (): void => {
      source = new EventSource(streamAddress);
      source.addEventListener('past', ({ data }: MessageEvent<string>) => {
        const { ticks, events } = JSON.parse(data) as Pick<Live, 'ticks' | 'events'>;
        setLive((now) => ({ ...now, state: 'live', ticks, events: [...events].reverse() }));
      });
      source.addEventListener('update', ({ data }: MessageEvent<string>) => {
        const update = JSON.parse(data) as FleetUpdate;
        setLive(({ ticks, events }) => ({
          state: 'live',
          ticks: [...ticks.slice(1 - MOST_TICKS), update],
          events: [...[...update.events].reverse(), ...events].slice(0, MOST_EVENTS),
          latest: update,
        }));
      });
      source.onerror = () => {
        setLive((now) => ({ ...now, state: 'lost' }));
        // The browser connects again by itself, but not after an answer that is no stream.
        if (source.readyState === EventSource.CLOSED) retry = window.setTimeout(open, RETRY);
      };
    };
    open();
    return () => {
      window.clearTimeout(retry);
      source.close();
    };
  }, []);
  return live;
}
