/**
 * One listener's vote to skip a track. The server keeps a vote as long as the listener's stream, and tells how many
 * there are but not whose; a listener who has voted means it until the track is over. So a vote is kept here, and cast
 * again when it may be gone: after the stream was lost, and when nobody knows whether the server has got it.
 */
import { type Metadata, type Track } from "./api.js";
import { type Clock } from "./clock.js";
import type { PlayerState } from "./player.js";
export interface BallotOptions {
    /** Has the vote counted: `Api.veto` with the listener's id. */
    put: () => Promise<void>;
    /** `isCast` or `problem` may have changed. */
    onChange: () => void;
    clock?: Clock;
    random?: () => number;
}
export declare class Ballot {
    #private;
    constructor(options: BallotOptions);
    /** The listener has voted to skip the track that plays, as far as one can know. */
    get isCast(): boolean;
    /** Why the vote does not count, or not yet; fit to be shown. */
    get problem(): string | null;
    /** Votes; twice counts once. */
    cast(): Promise<void>;
    /** The listener's player is in this state now. */
    playerIs(state: PlayerState): void;
    /** The server cannot be heard just now: what it said last may be over. */
    newsIsOld(): void;
    /** The server says this now. */
    received(news: Metadata): void;
}
export declare function sameTrack(one: Track | null, other: Track | null): boolean;
