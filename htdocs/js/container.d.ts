/**
 * How a stream gets into the browser's Media Source Extensions: as it comes, where the browser takes it so; else
 * wrapped into fragmented MP4, frame by frame. A pure choice; `media_source_sink` carries it out.
 */
export interface Way {
    /** What the source buffer is told that it gets. */
    mimeType: string;
    /** Whether the bytes have to be wrapped first. */
    wrapped: boolean;
}
/** `null` when the browser takes the stream in no way: then the audio element has to play it by itself. */
export declare function chooseWay(contentType: string, isTypeSupported: (type: string) => boolean): Way | null;
/** A content type without its parameters: `audio/mpeg` of `Audio/MPEG; rate=44100`. */
export declare function bareType(contentType: string): string;
