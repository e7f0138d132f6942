// What the build puts beside the compiled modules as vendor/mse-audio-wrapper.js; the library has no types.
export interface WrapperOptions {
  minFramesPerSegment?: number;
  minBytesPerSegment?: number;
  preferredContainer?: "webm" | "fmp4";
}

export default class MSEAudioWrapper {
  constructor(mimeType: string, options?: WrapperOptions);
  /** The bytes that came, as segments for a source buffer; what is not a whole frame yet is kept for the next call. */
  iterator(bytes: Uint8Array<ArrayBuffer>): Iterable<Uint8Array<ArrayBuffer>>;
}
