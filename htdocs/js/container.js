/**
 * How a stream gets into the browser's Media Source Extensions: as it comes, where the browser takes it so; else
 * wrapped into fragmented MP4, frame by frame. A pure choice; `media_source_sink` carries it out.
 */
const wrappedTypes = {
    "audio/mpeg": 'audio/mp4; codecs="mp3"',
    "audio/aac": 'audio/mp4; codecs="mp4a.40.2"',
    "audio/aacp": 'audio/mp4; codecs="mp4a.40.2"',
};
/** `null` when the browser takes the stream in no way: then the audio element has to play it by itself. */
export function chooseWay(contentType, isTypeSupported) {
    const mimeType = bareType(contentType);
    if (isTypeSupported(mimeType)) {
        return { mimeType, wrapped: false };
    }
    const wrappedType = wrappedTypes[mimeType];
    return wrappedType !== undefined && isTypeSupported(wrappedType)
        ? { mimeType: wrappedType, wrapped: true }
        : null;
}
/** A content type without its parameters: `audio/mpeg` of `Audio/MPEG; rate=44100`. */
export function bareType(contentType) {
    return (contentType.split(";")[0] ?? "").trim().toLowerCase();
}
