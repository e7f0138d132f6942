/* mse-audio-wrapper 1.4.15 and codec-parser 2.5.0, Copyright 2020-2023 Ethan Halsall, unchanged and in one module; LGPL-3.0-or-later: mse-audio-wrapper.LICENSE.txt, GPL-3.txt */
// node_modules/codec-parser/src/constants.js
var symbol = Symbol;
var mappingJoin = ", ";
var channelMappings = (() => {
  const front = "front";
  const side = "side";
  const rear = "rear";
  const left = "left";
  const center = "center";
  const right = "right";
  return ["", front + " ", side + " ", rear + " "].map(
    (x) => [
      [left, right],
      [left, right, center],
      [left, center, right],
      [center, left, right],
      [center]
    ].flatMap((y) => y.map((z) => x + z).join(mappingJoin))
  );
})();
var lfe = "LFE";
var monophonic = "monophonic (mono)";
var stereo = "stereo";
var surround = "surround";
var getChannelMapping = (channelCount, ...mappings) => `${[
  monophonic,
  stereo,
  `linear ${surround}`,
  "quadraphonic",
  `5.0 ${surround}`,
  `5.1 ${surround}`,
  `6.1 ${surround}`,
  `7.1 ${surround}`
][channelCount - 1]} (${mappings.join(mappingJoin)})`;
var vorbisOpusChannelMapping = [
  monophonic,
  getChannelMapping(2, channelMappings[0][0]),
  getChannelMapping(3, channelMappings[0][2]),
  getChannelMapping(4, channelMappings[1][0], channelMappings[3][0]),
  getChannelMapping(5, channelMappings[1][2], channelMappings[3][0]),
  getChannelMapping(6, channelMappings[1][2], channelMappings[3][0], lfe),
  getChannelMapping(7, channelMappings[1][2], channelMappings[2][0], channelMappings[3][4], lfe),
  getChannelMapping(8, channelMappings[1][2], channelMappings[2][0], channelMappings[3][0], lfe)
];
var rate192000 = 192e3;
var rate176400 = 176400;
var rate96000 = 96e3;
var rate88200 = 88200;
var rate64000 = 64e3;
var rate48000 = 48e3;
var rate44100 = 44100;
var rate32000 = 32e3;
var rate24000 = 24e3;
var rate22050 = 22050;
var rate16000 = 16e3;
var rate12000 = 12e3;
var rate11025 = 11025;
var rate8000 = 8e3;
var rate7350 = 7350;
var absoluteGranulePosition = "absoluteGranulePosition";
var bandwidth = "bandwidth";
var bitDepth = "bitDepth";
var bitrate = "bitrate";
var bitrateMaximum = bitrate + "Maximum";
var bitrateMinimum = bitrate + "Minimum";
var bitrateNominal = bitrate + "Nominal";
var buffer = "buffer";
var bufferFullness = buffer + "Fullness";
var codec = "codec";
var codecFrames = codec + "Frames";
var coupledStreamCount = "coupledStreamCount";
var crc = "crc";
var crc16 = crc + "16";
var crc32 = crc + "32";
var data = "data";
var description = "description";
var duration = "duration";
var emphasis = "emphasis";
var hasOpusPadding = "hasOpusPadding";
var header = "header";
var isContinuedPacket = "isContinuedPacket";
var isCopyrighted = "isCopyrighted";
var isFirstPage = "isFirstPage";
var isHome = "isHome";
var isLastPage = "isLastPage";
var isOriginal = "isOriginal";
var isPrivate = "isPrivate";
var isVbr = "isVbr";
var layer = "layer";
var length = "length";
var mode = "mode";
var modeExtension = mode + "Extension";
var mpeg = "mpeg";
var mpegVersion = mpeg + "Version";
var numberAACFrames = "numberAACFrames";
var outputGain = "outputGain";
var preSkip = "preSkip";
var profile = "profile";
var profileBits = symbol();
var protection = "protection";
var rawData = "rawData";
var segments = "segments";
var subarray = "subarray";
var version = "version";
var vorbis = "vorbis";
var vorbisComments = vorbis + "Comments";
var vorbisSetup = vorbis + "Setup";
var block = "block";
var blockingStrategy = block + "ingStrategy";
var blockingStrategyBits = symbol();
var blockSize = block + "Size";
var blocksize0 = block + "size0";
var blocksize1 = block + "size1";
var blockSizeBits = symbol();
var channel = "channel";
var channelMappingFamily = channel + "MappingFamily";
var channelMappingTable = channel + "MappingTable";
var channelMode = channel + "Mode";
var channelModeBits = symbol();
var channels = channel + "s";
var copyright = "copyright";
var copyrightId = copyright + "Id";
var copyrightIdStart = copyright + "IdStart";
var frame = "frame";
var frameCount = frame + "Count";
var frameLength = frame + "Length";
var Number2 = "Number";
var frameNumber = frame + Number2;
var framePadding = frame + "Padding";
var frameSize = frame + "Size";
var Rate = "Rate";
var inputSampleRate = "inputSample" + Rate;
var page = "page";
var pageChecksum = page + "Checksum";
var pageSegmentBytes = symbol();
var pageSegmentTable = page + "SegmentTable";
var pageSequenceNumber = page + "Sequence" + Number2;
var sample = "sample";
var sampleNumber = sample + Number2;
var sampleRate = sample + Rate;
var sampleRateBits = symbol();
var samples = sample + "s";
var stream = "stream";
var streamCount = stream + "Count";
var streamInfo = stream + "Info";
var streamSerialNumber = stream + "Serial" + Number2;
var streamStructureVersion = stream + "StructureVersion";
var total = "total";
var totalBytesOut = total + "BytesOut";
var totalDuration = total + "Duration";
var totalSamples = total + "Samples";
var readRawData = symbol();
var incrementRawData = symbol();
var mapCodecFrameStats = symbol();
var mapFrameStats = symbol();
var logWarning = symbol();
var logError2 = symbol();
var syncFrame = symbol();
var fixedLengthFrameSync = symbol();
var getHeader = symbol();
var setHeader = symbol();
var getFrame = symbol();
var parseFrame = symbol();
var parseOggPage = symbol();
var checkCodecUpdate = symbol();
var reset = symbol();
var enable = symbol();
var getHeaderFromUint8Array = symbol();
var checkFrameFooterCrc16 = symbol();
var uint8Array = Uint8Array;
var dataView = DataView;
var reserved = "reserved";
var bad = "bad";
var free = "free";
var none = "none";
var sixteenBitCRC = "16bit CRC";

// node_modules/codec-parser/src/utilities.js
var getCrcTable = (crcTable, crcInitialValueFunction, crcFunction) => {
  for (let byte = 0; byte < crcTable[length]; byte++) {
    let crc2 = crcInitialValueFunction(byte);
    for (let bit = 8; bit > 0; bit--) crc2 = crcFunction(crc2);
    crcTable[byte] = crc2;
  }
  return crcTable;
};
var crc8Table = getCrcTable(
  new uint8Array(256),
  (b) => b,
  (crc2) => crc2 & 128 ? 7 ^ crc2 << 1 : crc2 << 1
);
var flacCrc16Table = [
  getCrcTable(
    new Uint16Array(256),
    (b) => b << 8,
    (crc2) => crc2 << 1 ^ (crc2 & 1 << 15 ? 32773 : 0)
  )
];
var crc32Table = [
  getCrcTable(
    new Uint32Array(256),
    (b) => b,
    (crc2) => crc2 >>> 1 ^ (crc2 & 1) * 3988292384
  )
];
for (let i = 0; i < 15; i++) {
  flacCrc16Table.push(new Uint16Array(256));
  crc32Table.push(new Uint32Array(256));
  for (let j = 0; j <= 255; j++) {
    flacCrc16Table[i + 1][j] = flacCrc16Table[0][flacCrc16Table[i][j] >>> 8] ^ flacCrc16Table[i][j] << 8;
    crc32Table[i + 1][j] = crc32Table[i][j] >>> 8 ^ crc32Table[0][crc32Table[i][j] & 255];
  }
}
var crc8 = (data2) => {
  let crc2 = 0;
  const dataLength = data2[length];
  for (let i = 0; i !== dataLength; i++) crc2 = crc8Table[crc2 ^ data2[i]];
  return crc2;
};
var flacCrc16 = (data2) => {
  const dataLength = data2[length];
  const crcChunkSize = dataLength - 16;
  let crc2 = 0;
  let i = 0;
  while (i <= crcChunkSize) {
    crc2 ^= data2[i++] << 8 | data2[i++];
    crc2 = flacCrc16Table[15][crc2 >> 8] ^ flacCrc16Table[14][crc2 & 255] ^ flacCrc16Table[13][data2[i++]] ^ flacCrc16Table[12][data2[i++]] ^ flacCrc16Table[11][data2[i++]] ^ flacCrc16Table[10][data2[i++]] ^ flacCrc16Table[9][data2[i++]] ^ flacCrc16Table[8][data2[i++]] ^ flacCrc16Table[7][data2[i++]] ^ flacCrc16Table[6][data2[i++]] ^ flacCrc16Table[5][data2[i++]] ^ flacCrc16Table[4][data2[i++]] ^ flacCrc16Table[3][data2[i++]] ^ flacCrc16Table[2][data2[i++]] ^ flacCrc16Table[1][data2[i++]] ^ flacCrc16Table[0][data2[i++]];
  }
  while (i !== dataLength)
    crc2 = (crc2 & 255) << 8 ^ flacCrc16Table[0][crc2 >> 8 ^ data2[i++]];
  return crc2;
};
var crc32Function = (data2) => {
  const dataLength = data2[length];
  const crcChunkSize = dataLength - 16;
  let crc2 = 0;
  let i = 0;
  while (i <= crcChunkSize)
    crc2 = crc32Table[15][(data2[i++] ^ crc2) & 255] ^ crc32Table[14][(data2[i++] ^ crc2 >>> 8) & 255] ^ crc32Table[13][(data2[i++] ^ crc2 >>> 16) & 255] ^ crc32Table[12][data2[i++] ^ crc2 >>> 24] ^ crc32Table[11][data2[i++]] ^ crc32Table[10][data2[i++]] ^ crc32Table[9][data2[i++]] ^ crc32Table[8][data2[i++]] ^ crc32Table[7][data2[i++]] ^ crc32Table[6][data2[i++]] ^ crc32Table[5][data2[i++]] ^ crc32Table[4][data2[i++]] ^ crc32Table[3][data2[i++]] ^ crc32Table[2][data2[i++]] ^ crc32Table[1][data2[i++]] ^ crc32Table[0][data2[i++]];
  while (i !== dataLength)
    crc2 = crc32Table[0][(crc2 ^ data2[i++]) & 255] ^ crc2 >>> 8;
  return crc2 ^ -1;
};
var concatBuffers = (...buffers) => {
  const buffer2 = new uint8Array(
    buffers.reduce((acc, buf) => acc + buf[length], 0)
  );
  buffers.reduce((offset, buf) => {
    buffer2.set(buf, offset);
    return offset + buf[length];
  }, 0);
  return buffer2;
};
var bytesToString = (bytes) => String.fromCharCode(...bytes);
var reverseTable = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
var reverse = (val) => reverseTable[val & 15] << 4 | reverseTable[val >> 4];
var BitReader = class {
  constructor(data2) {
    this._data = data2;
    this._pos = data2[length] * 8;
  }
  set position(position) {
    this._pos = position;
  }
  get position() {
    return this._pos;
  }
  read(bits) {
    const byte = Math.floor(this._pos / 8);
    const bit = this._pos % 8;
    this._pos -= bits;
    const window = (reverse(this._data[byte - 1]) << 8) + reverse(this._data[byte]);
    return window >> 7 - bit & 255;
  }
};
var readInt64le = (view, offset) => {
  try {
    return view.getBigInt64(offset, true);
  } catch {
    const sign = view.getUint8(offset + 7) & 128 ? -1 : 1;
    let firstPart = view.getUint32(offset, true);
    let secondPart = view.getUint32(offset + 4, true);
    if (sign === -1) {
      firstPart = ~firstPart + 1;
      secondPart = ~secondPart + 1;
    }
    if (secondPart > 1048575) {
      console.warn("This platform does not support BigInt");
    }
    return sign * (firstPart + secondPart * 2 ** 32);
  }
};

// node_modules/codec-parser/src/codecs/HeaderCache.js
var HeaderCache = class {
  constructor(onCodecHeader, onCodecUpdate) {
    this._onCodecHeader = onCodecHeader;
    this._onCodecUpdate = onCodecUpdate;
    this[reset]();
  }
  [enable]() {
    this._isEnabled = true;
  }
  [reset]() {
    this._headerCache = /* @__PURE__ */ new Map();
    this._codecUpdateData = /* @__PURE__ */ new WeakMap();
    this._codecHeaderSent = false;
    this._codecShouldUpdate = false;
    this._bitrate = null;
    this._isEnabled = false;
  }
  [checkCodecUpdate](bitrate2, totalDuration2) {
    if (this._onCodecUpdate) {
      if (this._bitrate !== bitrate2) {
        this._bitrate = bitrate2;
        this._codecShouldUpdate = true;
      }
      const codecData = this._codecUpdateData.get(
        this._headerCache.get(this._currentHeader)
      );
      if (this._codecShouldUpdate && codecData) {
        this._onCodecUpdate(
          {
            bitrate: bitrate2,
            ...codecData
          },
          totalDuration2
        );
      }
      this._codecShouldUpdate = false;
    }
  }
  [getHeader](key) {
    const header2 = this._headerCache.get(key);
    if (header2) {
      this._updateCurrentHeader(key);
    }
    return header2;
  }
  [setHeader](key, header2, codecUpdateFields) {
    if (this._isEnabled) {
      if (!this._codecHeaderSent) {
        this._onCodecHeader({ ...header2 });
        this._codecHeaderSent = true;
      }
      this._updateCurrentHeader(key);
      this._headerCache.set(key, header2);
      this._codecUpdateData.set(header2, codecUpdateFields);
    }
  }
  _updateCurrentHeader(key) {
    if (this._onCodecUpdate && key !== this._currentHeader) {
      this._codecShouldUpdate = true;
      this._currentHeader = key;
    }
  }
};

// node_modules/codec-parser/src/globals.js
var headerStore = /* @__PURE__ */ new WeakMap();
var frameStore = /* @__PURE__ */ new WeakMap();

// node_modules/codec-parser/src/codecs/Parser.js
var Parser = class {
  constructor(codecParser, headerCache) {
    this._codecParser = codecParser;
    this._headerCache = headerCache;
  }
  *[syncFrame]() {
    let frameData;
    do {
      frameData = yield* this.Frame[getFrame](
        this._codecParser,
        this._headerCache,
        0
      );
      if (frameData) return frameData;
      this._codecParser[incrementRawData](1);
    } while (true);
  }
  /**
   * @description Searches for Frames within bytes containing a sequence of known codec frames.
   * @param {boolean} ignoreNextFrame Set to true to return frames even if the next frame may not exist at the expected location
   * @returns {Frame}
   */
  *[fixedLengthFrameSync](ignoreNextFrame) {
    let frameData = yield* this[syncFrame]();
    const frameLength2 = frameStore.get(frameData)[length];
    if (ignoreNextFrame || this._codecParser._flushing || // check if there is a frame right after this one
    (yield* this.Header[getHeader](
      this._codecParser,
      this._headerCache,
      frameLength2
    ))) {
      this._headerCache[enable]();
      this._codecParser[incrementRawData](frameLength2);
      this._codecParser[mapFrameStats](frameData);
      return frameData;
    }
    this._codecParser[logWarning](
      `Missing ${frame} at ${frameLength2} bytes from current position.`,
      `Dropping current ${frame} and trying again.`
    );
    this._headerCache[reset]();
    this._codecParser[incrementRawData](1);
  }
};

// node_modules/codec-parser/src/containers/Frame.js
var Frame = class {
  constructor(headerValue, dataValue) {
    frameStore.set(this, { [header]: headerValue });
    this[data] = dataValue;
  }
};

// node_modules/codec-parser/src/codecs/CodecFrame.js
var CodecFrame = class extends Frame {
  static *[getFrame](Header, Frame2, codecParser, headerCache, readOffset) {
    const headerValue = yield* Header[getHeader](
      codecParser,
      headerCache,
      readOffset
    );
    if (headerValue) {
      const frameLengthValue = headerStore.get(headerValue)[frameLength];
      const samplesValue = headerStore.get(headerValue)[samples];
      const frame2 = (yield* codecParser[readRawData](
        frameLengthValue,
        readOffset
      ))[subarray](0, frameLengthValue);
      return new Frame2(headerValue, frame2, samplesValue);
    } else {
      return null;
    }
  }
  constructor(headerValue, dataValue, samplesValue) {
    super(headerValue, dataValue);
    this[header] = headerValue;
    this[samples] = samplesValue;
    this[duration] = samplesValue / headerValue[sampleRate] * 1e3;
    this[frameNumber] = null;
    this[totalBytesOut] = null;
    this[totalSamples] = null;
    this[totalDuration] = null;
    frameStore.get(this)[length] = dataValue[length];
  }
};

// node_modules/codec-parser/src/metadata/ID3v2.js
var unsynchronizationFlag = "unsynchronizationFlag";
var extendedHeaderFlag = "extendedHeaderFlag";
var experimentalFlag = "experimentalFlag";
var footerPresent = "footerPresent";
var ID3v2 = class _ID3v2 {
  static *getID3v2Header(codecParser, headerCache, readOffset) {
    const headerLength = 10;
    const header2 = {};
    let data2 = yield* codecParser[readRawData](3, readOffset);
    if (data2[0] !== 73 || data2[1] !== 68 || data2[2] !== 51) return null;
    data2 = yield* codecParser[readRawData](headerLength, readOffset);
    header2[version] = `id3v2.${data2[3]}.${data2[4]}`;
    if (data2[5] & 15) return null;
    header2[unsynchronizationFlag] = !!(data2[5] & 128);
    header2[extendedHeaderFlag] = !!(data2[5] & 64);
    header2[experimentalFlag] = !!(data2[5] & 32);
    header2[footerPresent] = !!(data2[5] & 16);
    if (data2[6] & 128 || data2[7] & 128 || data2[8] & 128 || data2[9] & 128)
      return null;
    const dataLength = data2[6] << 21 | data2[7] << 14 | data2[8] << 7 | data2[9];
    header2[length] = headerLength + dataLength;
    return new _ID3v2(header2);
  }
  constructor(header2) {
    this[version] = header2[version];
    this[unsynchronizationFlag] = header2[unsynchronizationFlag];
    this[extendedHeaderFlag] = header2[extendedHeaderFlag];
    this[experimentalFlag] = header2[experimentalFlag];
    this[footerPresent] = header2[footerPresent];
    this[length] = header2[length];
  }
};

// node_modules/codec-parser/src/codecs/CodecHeader.js
var CodecHeader = class {
  /**
   * @private
   */
  constructor(header2) {
    headerStore.set(this, header2);
    this[bitDepth] = header2[bitDepth];
    this[bitrate] = null;
    this[channels] = header2[channels];
    this[channelMode] = header2[channelMode];
    this[sampleRate] = header2[sampleRate];
  }
};

// node_modules/codec-parser/src/codecs/mpeg/MPEGHeader.js
var bitrateMatrix = {
  // bits | V1,L1 | V1,L2 | V1,L3 | V2,L1 | V2,L2 & L3
  0: [free, free, free, free, free],
  16: [32, 32, 32, 32, 8],
  // 0b00100000: [64,   48,  40,  48,  16,],
  // 0b00110000: [96,   56,  48,  56,  24,],
  // 0b01000000: [128,  64,  56,  64,  32,],
  // 0b01010000: [160,  80,  64,  80,  40,],
  // 0b01100000: [192,  96,  80,  96,  48,],
  // 0b01110000: [224, 112,  96, 112,  56,],
  // 0b10000000: [256, 128, 112, 128,  64,],
  // 0b10010000: [288, 160, 128, 144,  80,],
  // 0b10100000: [320, 192, 160, 160,  96,],
  // 0b10110000: [352, 224, 192, 176, 112,],
  // 0b11000000: [384, 256, 224, 192, 128,],
  // 0b11010000: [416, 320, 256, 224, 144,],
  // 0b11100000: [448, 384, 320, 256, 160,],
  240: [bad, bad, bad, bad, bad]
};
var calcBitrate = (idx, interval, intervalOffset) => 8 * ((idx + intervalOffset) % interval + interval) * (1 << (idx + intervalOffset) / interval) - 8 * interval * (interval / 8 | 0);
for (let i = 2; i < 15; i++)
  bitrateMatrix[i << 4] = [
    i * 32,
    //                V1,L1
    calcBitrate(i, 4, 0),
    //  V1,L2
    calcBitrate(i, 4, -1),
    // V1,L3
    calcBitrate(i, 8, 4),
    //  V2,L1
    calcBitrate(i, 8, 0)
    //  V2,L2 & L3
  ];
var v1Layer1 = 0;
var v1Layer2 = 1;
var v1Layer3 = 2;
var v2Layer1 = 3;
var v2Layer23 = 4;
var bands = "bands ";
var to31 = " to 31";
var layer12ModeExtensions = {
  0: bands + 4 + to31,
  16: bands + 8 + to31,
  32: bands + 12 + to31,
  48: bands + 16 + to31
};
var bitrateIndex = "bitrateIndex";
var v2 = "v2";
var v1 = "v1";
var intensityStereo = "Intensity stereo ";
var msStereo = ", MS stereo ";
var on = "on";
var off = "off";
var layer3ModeExtensions = {
  0: intensityStereo + off + msStereo + off,
  16: intensityStereo + on + msStereo + off,
  32: intensityStereo + off + msStereo + on,
  48: intensityStereo + on + msStereo + on
};
var layersValues = {
  0: { [description]: reserved },
  2: {
    [description]: "Layer III",
    [framePadding]: 1,
    [modeExtension]: layer3ModeExtensions,
    [v1]: {
      [bitrateIndex]: v1Layer3,
      [samples]: 1152
    },
    [v2]: {
      [bitrateIndex]: v2Layer23,
      [samples]: 576
    }
  },
  4: {
    [description]: "Layer II",
    [framePadding]: 1,
    [modeExtension]: layer12ModeExtensions,
    [samples]: 1152,
    [v1]: {
      [bitrateIndex]: v1Layer2
    },
    [v2]: {
      [bitrateIndex]: v2Layer23
    }
  },
  6: {
    [description]: "Layer I",
    [framePadding]: 4,
    [modeExtension]: layer12ModeExtensions,
    [samples]: 384,
    [v1]: {
      [bitrateIndex]: v1Layer1
    },
    [v2]: {
      [bitrateIndex]: v2Layer1
    }
  }
};
var mpegVersionDescription = "MPEG Version ";
var isoIec = "ISO/IEC ";
var mpegVersions = {
  0: {
    [description]: `${mpegVersionDescription}2.5 (later extension of MPEG 2)`,
    [layer]: v2,
    [sampleRate]: {
      0: rate11025,
      4: rate12000,
      8: rate8000,
      12: reserved
    }
  },
  8: { [description]: reserved },
  16: {
    [description]: `${mpegVersionDescription}2 (${isoIec}13818-3)`,
    [layer]: v2,
    [sampleRate]: {
      0: rate22050,
      4: rate24000,
      8: rate16000,
      12: reserved
    }
  },
  24: {
    [description]: `${mpegVersionDescription}1 (${isoIec}11172-3)`,
    [layer]: v1,
    [sampleRate]: {
      0: rate44100,
      4: rate48000,
      8: rate32000,
      12: reserved
    }
  },
  length
};
var protectionValues = {
  0: sixteenBitCRC,
  1: none
};
var emphasisValues = {
  0: none,
  1: "50/15 ms",
  2: reserved,
  3: "CCIT J.17"
};
var channelModes = {
  0: { [channels]: 2, [description]: stereo },
  64: { [channels]: 2, [description]: "joint " + stereo },
  128: { [channels]: 2, [description]: "dual channel" },
  192: { [channels]: 1, [description]: monophonic }
};
var MPEGHeader = class _MPEGHeader extends CodecHeader {
  static *[getHeader](codecParser, headerCache, readOffset) {
    const header2 = {};
    const id3v2Header = yield* ID3v2.getID3v2Header(
      codecParser,
      headerCache,
      readOffset
    );
    if (id3v2Header) {
      yield* codecParser[readRawData](id3v2Header[length], readOffset);
      codecParser[incrementRawData](id3v2Header[length]);
    }
    const data2 = yield* codecParser[readRawData](4, readOffset);
    const key = bytesToString(data2[subarray](0, 4));
    const cachedHeader = headerCache[getHeader](key);
    if (cachedHeader) return new _MPEGHeader(cachedHeader);
    if (data2[0] !== 255 || data2[1] < 224) return null;
    const mpegVersionValues2 = mpegVersions[data2[1] & 24];
    if (mpegVersionValues2[description] === reserved) return null;
    const layerBits = data2[1] & 6;
    if (layersValues[layerBits][description] === reserved) return null;
    const layerValues2 = {
      ...layersValues[layerBits],
      ...layersValues[layerBits][mpegVersionValues2[layer]]
    };
    header2[mpegVersion] = mpegVersionValues2[description];
    header2[layer] = layerValues2[description];
    header2[samples] = layerValues2[samples];
    header2[protection] = protectionValues[data2[1] & 1];
    header2[length] = 4;
    header2[bitrate] = bitrateMatrix[data2[2] & 240][layerValues2[bitrateIndex]];
    if (header2[bitrate] === bad) return null;
    header2[sampleRate] = mpegVersionValues2[sampleRate][data2[2] & 12];
    if (header2[sampleRate] === reserved) return null;
    header2[framePadding] = data2[2] & 2 && layerValues2[framePadding];
    header2[isPrivate] = !!(data2[2] & 1);
    header2[frameLength] = Math.floor(
      125 * header2[bitrate] * header2[samples] / header2[sampleRate] + header2[framePadding]
    );
    if (!header2[frameLength]) return null;
    const channelModeBits2 = data2[3] & 192;
    header2[channelMode] = channelModes[channelModeBits2][description];
    header2[channels] = channelModes[channelModeBits2][channels];
    header2[modeExtension] = layerValues2[modeExtension][data2[3] & 48];
    header2[isCopyrighted] = !!(data2[3] & 8);
    header2[isOriginal] = !!(data2[3] & 4);
    header2[emphasis] = emphasisValues[data2[3] & 3];
    if (header2[emphasis] === reserved) return null;
    header2[bitDepth] = 16;
    {
      const { length: length2, frameLength: frameLength2, samples: samples2, ...codecUpdateFields } = header2;
      headerCache[setHeader](key, header2, codecUpdateFields);
    }
    return new _MPEGHeader(header2);
  }
  /**
   * @private
   * Call MPEGHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    super(header2);
    this[bitrate] = header2[bitrate];
    this[emphasis] = header2[emphasis];
    this[framePadding] = header2[framePadding];
    this[isCopyrighted] = header2[isCopyrighted];
    this[isOriginal] = header2[isOriginal];
    this[isPrivate] = header2[isPrivate];
    this[layer] = header2[layer];
    this[modeExtension] = header2[modeExtension];
    this[mpegVersion] = header2[mpegVersion];
    this[protection] = header2[protection];
  }
};

// node_modules/codec-parser/src/codecs/mpeg/MPEGFrame.js
var MPEGFrame = class _MPEGFrame extends CodecFrame {
  static *[getFrame](codecParser, headerCache, readOffset) {
    return yield* super[getFrame](
      MPEGHeader,
      _MPEGFrame,
      codecParser,
      headerCache,
      readOffset
    );
  }
  constructor(header2, frame2, samples2) {
    super(header2, frame2, samples2);
  }
};

// node_modules/codec-parser/src/codecs/mpeg/MPEGParser.js
var MPEGParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this.Frame = MPEGFrame;
    this.Header = MPEGHeader;
    onCodec(this[codec]);
  }
  get [codec]() {
    return mpeg;
  }
  *[parseFrame]() {
    return yield* this[fixedLengthFrameSync]();
  }
};

// node_modules/codec-parser/src/codecs/aac/AACHeader.js
var mpegVersionValues = {
  0: "MPEG-4",
  8: "MPEG-2"
};
var layerValues = {
  0: "valid",
  2: bad,
  4: bad,
  6: bad
};
var protectionValues2 = {
  0: sixteenBitCRC,
  1: none
};
var profileValues = {
  0: "AAC Main",
  64: "AAC LC (Low Complexity)",
  128: "AAC SSR (Scalable Sample Rate)",
  192: "AAC LTP (Long Term Prediction)"
};
var sampleRates = {
  0: rate96000,
  4: rate88200,
  8: rate64000,
  12: rate48000,
  16: rate44100,
  20: rate32000,
  24: rate24000,
  28: rate22050,
  32: rate16000,
  36: rate12000,
  40: rate11025,
  44: rate8000,
  48: rate7350,
  52: reserved,
  56: reserved,
  60: "frequency is written explicitly"
};
var channelModeValues = {
  0: { [channels]: 0, [description]: "Defined in AOT Specific Config" },
  /*
  'monophonic (mono)'
  'stereo (left, right)'
  'linear surround (front center, front left, front right)'
  'quadraphonic (front center, front left, front right, rear center)'
  '5.0 surround (front center, front left, front right, rear left, rear right)'
  '5.1 surround (front center, front left, front right, rear left, rear right, LFE)'
  '7.1 surround (front center, front left, front right, side left, side right, rear left, rear right, LFE)'
  */
  64: { [channels]: 1, [description]: monophonic },
  128: { [channels]: 2, [description]: getChannelMapping(2, channelMappings[0][0]) },
  192: { [channels]: 3, [description]: getChannelMapping(3, channelMappings[1][3]) },
  256: { [channels]: 4, [description]: getChannelMapping(4, channelMappings[1][3], channelMappings[3][4]) },
  320: { [channels]: 5, [description]: getChannelMapping(5, channelMappings[1][3], channelMappings[3][0]) },
  384: { [channels]: 6, [description]: getChannelMapping(6, channelMappings[1][3], channelMappings[3][0], lfe) },
  448: { [channels]: 8, [description]: getChannelMapping(8, channelMappings[1][3], channelMappings[2][0], channelMappings[3][0], lfe) }
};
var AACHeader = class _AACHeader extends CodecHeader {
  static *[getHeader](codecParser, headerCache, readOffset) {
    const header2 = {};
    const data2 = yield* codecParser[readRawData](7, readOffset);
    const key = bytesToString([
      data2[0],
      data2[1],
      data2[2],
      data2[3] & 252 | data2[6] & 3
      // frame length, buffer fullness varies so don't cache it
    ]);
    const cachedHeader = headerCache[getHeader](key);
    if (!cachedHeader) {
      if (data2[0] !== 255 || data2[1] < 240) return null;
      header2[mpegVersion] = mpegVersionValues[data2[1] & 8];
      header2[layer] = layerValues[data2[1] & 6];
      if (header2[layer] === bad) return null;
      const protectionBit = data2[1] & 1;
      header2[protection] = protectionValues2[protectionBit];
      header2[length] = protectionBit ? 7 : 9;
      header2[profileBits] = data2[2] & 192;
      header2[sampleRateBits] = data2[2] & 60;
      const privateBit = data2[2] & 2;
      header2[profile] = profileValues[header2[profileBits]];
      header2[sampleRate] = sampleRates[header2[sampleRateBits]];
      if (header2[sampleRate] === reserved) return null;
      header2[isPrivate] = !!privateBit;
      header2[channelModeBits] = (data2[2] << 8 | data2[3]) & 448;
      header2[channelMode] = channelModeValues[header2[channelModeBits]][description];
      header2[channels] = channelModeValues[header2[channelModeBits]][channels];
      header2[isOriginal] = !!(data2[3] & 32);
      header2[isHome] = !!(data2[3] & 8);
      header2[copyrightId] = !!(data2[3] & 8);
      header2[copyrightIdStart] = !!(data2[3] & 4);
      header2[bitDepth] = 16;
      header2[samples] = 1024;
      header2[numberAACFrames] = data2[6] & 3;
      {
        const {
          length: length2,
          channelModeBits: channelModeBits2,
          profileBits: profileBits2,
          sampleRateBits: sampleRateBits2,
          frameLength: frameLength2,
          samples: samples2,
          numberAACFrames: numberAACFrames2,
          ...codecUpdateFields
        } = header2;
        headerCache[setHeader](key, header2, codecUpdateFields);
      }
    } else {
      Object.assign(header2, cachedHeader);
    }
    header2[frameLength] = (data2[3] << 11 | data2[4] << 3 | data2[5] >> 5) & 8191;
    if (!header2[frameLength]) return null;
    const bufferFullnessBits = (data2[5] << 6 | data2[6] >> 2) & 2047;
    header2[bufferFullness] = bufferFullnessBits === 2047 ? "VBR" : bufferFullnessBits;
    return new _AACHeader(header2);
  }
  /**
   * @private
   * Call AACHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    super(header2);
    this[copyrightId] = header2[copyrightId];
    this[copyrightIdStart] = header2[copyrightIdStart];
    this[bufferFullness] = header2[bufferFullness];
    this[isHome] = header2[isHome];
    this[isOriginal] = header2[isOriginal];
    this[isPrivate] = header2[isPrivate];
    this[layer] = header2[layer];
    this[length] = header2[length];
    this[mpegVersion] = header2[mpegVersion];
    this[numberAACFrames] = header2[numberAACFrames];
    this[profile] = header2[profile];
    this[protection] = header2[protection];
  }
  get audioSpecificConfig() {
    const header2 = headerStore.get(this);
    const audioSpecificConfig = header2[profileBits] + 64 << 5 | header2[sampleRateBits] << 5 | header2[channelModeBits] >> 3;
    const bytes = new uint8Array(2);
    new dataView(bytes[buffer]).setUint16(0, audioSpecificConfig, false);
    return bytes;
  }
};

// node_modules/codec-parser/src/codecs/aac/AACFrame.js
var AACFrame = class _AACFrame extends CodecFrame {
  static *[getFrame](codecParser, headerCache, readOffset) {
    return yield* super[getFrame](
      AACHeader,
      _AACFrame,
      codecParser,
      headerCache,
      readOffset
    );
  }
  constructor(header2, frame2, samples2) {
    super(header2, frame2, samples2);
  }
};

// node_modules/codec-parser/src/codecs/aac/AACParser.js
var AACParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this.Frame = AACFrame;
    this.Header = AACHeader;
    onCodec(this[codec]);
  }
  get [codec]() {
    return "aac";
  }
  *[parseFrame]() {
    return yield* this[fixedLengthFrameSync]();
  }
};

// node_modules/codec-parser/src/codecs/flac/FLACFrame.js
var FLACFrame = class _FLACFrame extends CodecFrame {
  static _getFrameFooterCrc16(data2) {
    return (data2[data2[length] - 2] << 8) + data2[data2[length] - 1];
  }
  // check frame footer crc
  // https://xiph.org/flac/format.html#frame_footer
  static [checkFrameFooterCrc16](data2) {
    const expectedCrc16 = _FLACFrame._getFrameFooterCrc16(data2);
    const actualCrc16 = flacCrc16(data2[subarray](0, -2));
    return expectedCrc16 === actualCrc16;
  }
  constructor(data2, header2, streamInfoValue) {
    header2[streamInfo] = streamInfoValue;
    header2[crc16] = _FLACFrame._getFrameFooterCrc16(data2);
    super(header2, data2, headerStore.get(header2)[samples]);
  }
};

// node_modules/codec-parser/src/codecs/flac/FLACHeader.js
var getFromStreamInfo = "get from STREAMINFO metadata block";
var blockingStrategyValues = {
  0: "Fixed",
  1: "Variable"
};
var blockSizeValues = {
  0: reserved,
  16: 192
  // 0b00100000: 576,
  // 0b00110000: 1152,
  // 0b01000000: 2304,
  // 0b01010000: 4608,
  // 0b01100000: "8-bit (blocksize-1) from end of header",
  // 0b01110000: "16-bit (blocksize-1) from end of header",
  // 0b10000000: 256,
  // 0b10010000: 512,
  // 0b10100000: 1024,
  // 0b10110000: 2048,
  // 0b11000000: 4096,
  // 0b11010000: 8192,
  // 0b11100000: 16384,
  // 0b11110000: 32768,
};
for (let i = 2; i < 16; i++)
  blockSizeValues[i << 4] = i < 6 ? 576 * 2 ** (i - 2) : 2 ** i;
var sampleRateValues = {
  0: getFromStreamInfo,
  1: rate88200,
  2: rate176400,
  3: rate192000,
  4: rate8000,
  5: rate16000,
  6: rate22050,
  7: rate24000,
  8: rate32000,
  9: rate44100,
  10: rate48000,
  11: rate96000,
  // 0b00001100: "8-bit sample rate (in kHz) from end of header",
  // 0b00001101: "16-bit sample rate (in Hz) from end of header",
  // 0b00001110: "16-bit sample rate (in tens of Hz) from end of header",
  15: bad
};
var channelAssignments = {
  /*'
  'monophonic (mono)'
  'stereo (left, right)'
  'linear surround (left, right, center)'
  'quadraphonic (front left, front right, rear left, rear right)'
  '5.0 surround (front left, front right, front center, rear left, rear right)'
  '5.1 surround (front left, front right, front center, LFE, rear left, rear right)'
  '6.1 surround (front left, front right, front center, LFE, rear center, side left, side right)'
  '7.1 surround (front left, front right, front center, LFE, rear left, rear right, side left, side right)'
  */
  0: { [channels]: 1, [description]: monophonic },
  16: { [channels]: 2, [description]: getChannelMapping(2, channelMappings[0][0]) },
  32: { [channels]: 3, [description]: getChannelMapping(3, channelMappings[0][1]) },
  48: { [channels]: 4, [description]: getChannelMapping(4, channelMappings[1][0], channelMappings[3][0]) },
  64: { [channels]: 5, [description]: getChannelMapping(5, channelMappings[1][1], channelMappings[3][0]) },
  80: { [channels]: 6, [description]: getChannelMapping(6, channelMappings[1][1], lfe, channelMappings[3][0]) },
  96: { [channels]: 7, [description]: getChannelMapping(7, channelMappings[1][1], lfe, channelMappings[3][4], channelMappings[2][0]) },
  112: { [channels]: 8, [description]: getChannelMapping(8, channelMappings[1][1], lfe, channelMappings[3][0], channelMappings[2][0]) },
  128: { [channels]: 2, [description]: `${stereo} (left, diff)` },
  144: { [channels]: 2, [description]: `${stereo} (diff, right)` },
  160: { [channels]: 2, [description]: `${stereo} (avg, diff)` },
  176: reserved,
  192: reserved,
  208: reserved,
  224: reserved,
  240: reserved
};
var bitDepthValues = {
  0: getFromStreamInfo,
  2: 8,
  4: 12,
  6: reserved,
  8: 16,
  10: 20,
  12: 24,
  14: reserved
};
var FLACHeader = class _FLACHeader extends CodecHeader {
  // https://datatracker.ietf.org/doc/html/rfc3629#section-3
  //    Char. number range  |        UTF-8 octet sequence
  //    (hexadecimal)    |              (binary)
  // --------------------+---------------------------------------------
  // 0000 0000-0000 007F | 0xxxxxxx
  // 0000 0080-0000 07FF | 110xxxxx 10xxxxxx
  // 0000 0800-0000 FFFF | 1110xxxx 10xxxxxx 10xxxxxx
  // 0001 0000-0010 FFFF | 11110xxx 10xxxxxx 10xxxxxx 10xxxxxx
  static _decodeUTF8Int(data2) {
    if (data2[0] > 254) {
      return null;
    }
    if (data2[0] < 128) return { value: data2[0], length: 1 };
    let length2 = 1;
    for (let zeroMask = 64; zeroMask & data2[0]; zeroMask >>= 1) length2++;
    let idx = length2 - 1, value = 0, shift = 0;
    for (; idx > 0; shift += 6, idx--) {
      if ((data2[idx] & 192) !== 128) {
        return null;
      }
      value |= (data2[idx] & 63) << shift;
    }
    value |= (data2[idx] & 127 >> length2) << shift;
    return { value, length: length2 };
  }
  static [getHeaderFromUint8Array](data2, headerCache) {
    const codecParserStub = {
      [readRawData]: function* () {
        return data2;
      }
    };
    return _FLACHeader[getHeader](codecParserStub, headerCache, 0).next().value;
  }
  static *[getHeader](codecParser, headerCache, readOffset) {
    let data2 = yield* codecParser[readRawData](6, readOffset);
    if (data2[0] !== 255 || !(data2[1] === 248 || data2[1] === 249)) {
      return null;
    }
    const header2 = {};
    const key = bytesToString(data2[subarray](0, 4));
    const cachedHeader = headerCache[getHeader](key);
    if (!cachedHeader) {
      header2[blockingStrategyBits] = data2[1] & 1;
      header2[blockingStrategy] = blockingStrategyValues[header2[blockingStrategyBits]];
      header2[blockSizeBits] = data2[2] & 240;
      header2[sampleRateBits] = data2[2] & 15;
      header2[blockSize] = blockSizeValues[header2[blockSizeBits]];
      if (header2[blockSize] === reserved) {
        return null;
      }
      header2[sampleRate] = sampleRateValues[header2[sampleRateBits]];
      if (header2[sampleRate] === bad) {
        return null;
      }
      if (data2[3] & 1) {
        return null;
      }
      const channelAssignment = channelAssignments[data2[3] & 240];
      if (channelAssignment === reserved) {
        return null;
      }
      header2[channels] = channelAssignment[channels];
      header2[channelMode] = channelAssignment[description];
      header2[bitDepth] = bitDepthValues[data2[3] & 14];
      if (header2[bitDepth] === reserved) {
        return null;
      }
    } else {
      Object.assign(header2, cachedHeader);
    }
    header2[length] = 5;
    data2 = yield* codecParser[readRawData](header2[length] + 8, readOffset);
    const decodedUtf8 = _FLACHeader._decodeUTF8Int(data2[subarray](4));
    if (!decodedUtf8) {
      return null;
    }
    if (header2[blockingStrategyBits]) {
      header2[sampleNumber] = decodedUtf8.value;
    } else {
      header2[frameNumber] = decodedUtf8.value;
    }
    header2[length] += decodedUtf8[length];
    if (header2[blockSizeBits] === 96) {
      if (data2[length] < header2[length])
        data2 = yield* codecParser[readRawData](header2[length], readOffset);
      header2[blockSize] = data2[header2[length] - 1] + 1;
      header2[length] += 1;
    } else if (header2[blockSizeBits] === 112) {
      if (data2[length] < header2[length])
        data2 = yield* codecParser[readRawData](header2[length], readOffset);
      header2[blockSize] = (data2[header2[length] - 1] << 8) + data2[header2[length]] + 1;
      header2[length] += 2;
    }
    header2[samples] = header2[blockSize];
    if (header2[sampleRateBits] === 12) {
      if (data2[length] < header2[length])
        data2 = yield* codecParser[readRawData](header2[length], readOffset);
      header2[sampleRate] = data2[header2[length] - 1] * 1e3;
      header2[length] += 1;
    } else if (header2[sampleRateBits] === 13) {
      if (data2[length] < header2[length])
        data2 = yield* codecParser[readRawData](header2[length], readOffset);
      header2[sampleRate] = (data2[header2[length] - 1] << 8) + data2[header2[length]];
      header2[length] += 2;
    } else if (header2[sampleRateBits] === 14) {
      if (data2[length] < header2[length])
        data2 = yield* codecParser[readRawData](header2[length], readOffset);
      header2[sampleRate] = ((data2[header2[length] - 1] << 8) + data2[header2[length]]) * 10;
      header2[length] += 2;
    }
    if (data2[length] < header2[length])
      data2 = yield* codecParser[readRawData](header2[length], readOffset);
    header2[crc] = data2[header2[length] - 1];
    if (header2[crc] !== crc8(data2[subarray](0, header2[length] - 1))) {
      return null;
    }
    {
      if (!cachedHeader) {
        const {
          blockingStrategyBits: blockingStrategyBits2,
          frameNumber: frameNumber2,
          sampleNumber: sampleNumber2,
          samples: samples2,
          sampleRateBits: sampleRateBits2,
          blockSizeBits: blockSizeBits2,
          crc: crc2,
          length: length2,
          ...codecUpdateFields
        } = header2;
        headerCache[setHeader](key, header2, codecUpdateFields);
      }
    }
    return new _FLACHeader(header2);
  }
  /**
   * @private
   * Call FLACHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    super(header2);
    this[crc16] = null;
    this[blockingStrategy] = header2[blockingStrategy];
    this[blockSize] = header2[blockSize];
    this[frameNumber] = header2[frameNumber];
    this[sampleNumber] = header2[sampleNumber];
    this[streamInfo] = null;
  }
};

// node_modules/codec-parser/src/codecs/flac/FLACParser.js
var MIN_FLAC_FRAME_SIZE = 2;
var MAX_FLAC_FRAME_SIZE = 512 * 1024;
var FLACParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this.Frame = FLACFrame;
    this.Header = FLACHeader;
    onCodec(this[codec]);
  }
  get [codec]() {
    return "flac";
  }
  *_getNextFrameSyncOffset(offset) {
    const data2 = yield* this._codecParser[readRawData](2, 0);
    const dataLength = data2[length] - 2;
    while (offset < dataLength) {
      const firstByte = data2[offset];
      if (firstByte === 255) {
        const secondByte = data2[offset + 1];
        if (secondByte === 248 || secondByte === 249) break;
        if (secondByte !== 255) offset++;
      }
      offset++;
    }
    return offset;
  }
  *[parseFrame]() {
    do {
      const header2 = yield* FLACHeader[getHeader](
        this._codecParser,
        this._headerCache,
        0
      );
      if (header2) {
        let nextHeaderOffset = headerStore.get(header2)[length] + MIN_FLAC_FRAME_SIZE;
        while (nextHeaderOffset <= MAX_FLAC_FRAME_SIZE) {
          if (this._codecParser._flushing || (yield* FLACHeader[getHeader](
            this._codecParser,
            this._headerCache,
            nextHeaderOffset
          ))) {
            let frameData = yield* this._codecParser[readRawData](nextHeaderOffset);
            if (!this._codecParser._flushing)
              frameData = frameData[subarray](0, nextHeaderOffset);
            if (FLACFrame[checkFrameFooterCrc16](frameData)) {
              const frame2 = new FLACFrame(frameData, header2);
              this._headerCache[enable]();
              this._codecParser[incrementRawData](nextHeaderOffset);
              this._codecParser[mapFrameStats](frame2);
              return frame2;
            }
          }
          nextHeaderOffset = yield* this._getNextFrameSyncOffset(
            nextHeaderOffset + 1
          );
        }
        this._codecParser[logWarning](
          `Unable to sync FLAC frame after searching ${nextHeaderOffset} bytes.`
        );
        this._codecParser[incrementRawData](nextHeaderOffset);
      } else {
        this._codecParser[incrementRawData](
          yield* this._getNextFrameSyncOffset(1)
        );
      }
    } while (true);
  }
  [parseOggPage](oggPage) {
    if (oggPage[pageSequenceNumber] === 0) {
      this._headerCache[enable]();
      this._streamInfo = oggPage[data][subarray](13);
    } else if (oggPage[pageSequenceNumber] === 1) {
    } else {
      oggPage[codecFrames] = frameStore.get(oggPage)[segments].map((segment) => {
        const header2 = FLACHeader[getHeaderFromUint8Array](
          segment,
          this._headerCache
        );
        if (header2) {
          return new FLACFrame(segment, header2, this._streamInfo);
        } else {
          this._codecParser[logWarning](
            "Failed to parse Ogg FLAC frame",
            "Skipping invalid FLAC frame"
          );
        }
      }).filter((frame2) => !!frame2);
    }
    return oggPage;
  }
};

// node_modules/codec-parser/src/containers/ogg/OggPageHeader.js
var OggPageHeader = class _OggPageHeader {
  static *[getHeader](codecParser, headerCache, readOffset) {
    const header2 = {};
    let data2 = yield* codecParser[readRawData](28, readOffset);
    if (data2[0] !== 79 || // O
    data2[1] !== 103 || // g
    data2[2] !== 103 || // g
    data2[3] !== 83) {
      return null;
    }
    header2[streamStructureVersion] = data2[4];
    const zeros = data2[5] & 248;
    if (zeros) return null;
    header2[isLastPage] = !!(data2[5] & 4);
    header2[isFirstPage] = !!(data2[5] & 2);
    header2[isContinuedPacket] = !!(data2[5] & 1);
    const view = new dataView(uint8Array.from(data2[subarray](0, 28))[buffer]);
    header2[absoluteGranulePosition] = readInt64le(view, 6);
    header2[streamSerialNumber] = view.getInt32(14, true);
    header2[pageSequenceNumber] = view.getInt32(18, true);
    header2[pageChecksum] = view.getInt32(22, true);
    const pageSegmentTableLength = data2[26];
    header2[length] = pageSegmentTableLength + 27;
    data2 = yield* codecParser[readRawData](header2[length], readOffset);
    header2[frameLength] = 0;
    header2[pageSegmentTable] = [];
    header2[pageSegmentBytes] = uint8Array.from(
      data2[subarray](27, header2[length])
    );
    for (let i = 0, segmentLength = 0; i < pageSegmentTableLength; i++) {
      const segmentByte = header2[pageSegmentBytes][i];
      header2[frameLength] += segmentByte;
      segmentLength += segmentByte;
      if (segmentByte !== 255 || i === pageSegmentTableLength - 1) {
        header2[pageSegmentTable].push(segmentLength);
        segmentLength = 0;
      }
    }
    return new _OggPageHeader(header2);
  }
  /**
   * @private
   * Call OggPageHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    headerStore.set(this, header2);
    this[absoluteGranulePosition] = header2[absoluteGranulePosition];
    this[isContinuedPacket] = header2[isContinuedPacket];
    this[isFirstPage] = header2[isFirstPage];
    this[isLastPage] = header2[isLastPage];
    this[pageSegmentTable] = header2[pageSegmentTable];
    this[pageSequenceNumber] = header2[pageSequenceNumber];
    this[pageChecksum] = header2[pageChecksum];
    this[streamSerialNumber] = header2[streamSerialNumber];
  }
};

// node_modules/codec-parser/src/containers/ogg/OggPage.js
var OggPage = class _OggPage extends Frame {
  static *[getFrame](codecParser, headerCache, readOffset) {
    const header2 = yield* OggPageHeader[getHeader](
      codecParser,
      headerCache,
      readOffset
    );
    if (header2) {
      const frameLengthValue = headerStore.get(header2)[frameLength];
      const headerLength = headerStore.get(header2)[length];
      const totalLength = headerLength + frameLengthValue;
      const rawDataValue = (yield* codecParser[readRawData](totalLength, 0))[subarray](0, totalLength);
      const frame2 = rawDataValue[subarray](headerLength, totalLength);
      return new _OggPage(header2, frame2, rawDataValue);
    } else {
      return null;
    }
  }
  constructor(header2, frame2, rawDataValue) {
    super(header2, frame2);
    frameStore.get(this)[length] = rawDataValue[length];
    this[codecFrames] = [];
    this[rawData] = rawDataValue;
    this[absoluteGranulePosition] = header2[absoluteGranulePosition];
    this[crc32] = header2[pageChecksum];
    this[duration] = 0;
    this[isContinuedPacket] = header2[isContinuedPacket];
    this[isFirstPage] = header2[isFirstPage];
    this[isLastPage] = header2[isLastPage];
    this[pageSequenceNumber] = header2[pageSequenceNumber];
    this[samples] = 0;
    this[streamSerialNumber] = header2[streamSerialNumber];
  }
};

// node_modules/codec-parser/src/codecs/opus/OpusFrame.js
var OpusFrame = class extends CodecFrame {
  constructor(data2, header2, samples2) {
    super(header2, data2, samples2);
  }
};

// node_modules/codec-parser/src/codecs/opus/OpusHeader.js
var channelMappingFamilies = {
  0: vorbisOpusChannelMapping.slice(0, 2),
  /*
  0: "monophonic (mono)"
  1: "stereo (left, right)"
  */
  1: vorbisOpusChannelMapping
  /*
  0: "monophonic (mono)"
  1: "stereo (left, right)"
  2: "linear surround (left, center, right)"
  3: "quadraphonic (front left, front right, rear left, rear right)"
  4: "5.0 surround (front left, front center, front right, rear left, rear right)"
  5: "5.1 surround (front left, front center, front right, rear left, rear right, LFE)"
  6: "6.1 surround (front left, front center, front right, side left, side right, rear center, LFE)"
  7: "7.1 surround (front left, front center, front right, side left, side right, rear left, rear right, LFE)"
  */
  // additional channel mappings are user defined
};
var silkOnly = "SILK-only";
var celtOnly = "CELT-only";
var hybrid = "Hybrid";
var narrowBand = "narrowband";
var mediumBand = "medium-band";
var wideBand = "wideband";
var superWideBand = "super-wideband";
var fullBand = "fullband";
var configTable = {
  0: { [mode]: silkOnly, [bandwidth]: narrowBand, [frameSize]: 10 },
  8: { [mode]: silkOnly, [bandwidth]: narrowBand, [frameSize]: 20 },
  16: { [mode]: silkOnly, [bandwidth]: narrowBand, [frameSize]: 40 },
  24: { [mode]: silkOnly, [bandwidth]: narrowBand, [frameSize]: 60 },
  32: { [mode]: silkOnly, [bandwidth]: mediumBand, [frameSize]: 10 },
  40: { [mode]: silkOnly, [bandwidth]: mediumBand, [frameSize]: 20 },
  48: { [mode]: silkOnly, [bandwidth]: mediumBand, [frameSize]: 40 },
  56: { [mode]: silkOnly, [bandwidth]: mediumBand, [frameSize]: 60 },
  64: { [mode]: silkOnly, [bandwidth]: wideBand, [frameSize]: 10 },
  72: { [mode]: silkOnly, [bandwidth]: wideBand, [frameSize]: 20 },
  80: { [mode]: silkOnly, [bandwidth]: wideBand, [frameSize]: 40 },
  88: { [mode]: silkOnly, [bandwidth]: wideBand, [frameSize]: 60 },
  96: { [mode]: hybrid, [bandwidth]: superWideBand, [frameSize]: 10 },
  104: { [mode]: hybrid, [bandwidth]: superWideBand, [frameSize]: 20 },
  112: { [mode]: hybrid, [bandwidth]: fullBand, [frameSize]: 10 },
  120: { [mode]: hybrid, [bandwidth]: fullBand, [frameSize]: 20 },
  128: { [mode]: celtOnly, [bandwidth]: narrowBand, [frameSize]: 2.5 },
  136: { [mode]: celtOnly, [bandwidth]: narrowBand, [frameSize]: 5 },
  144: { [mode]: celtOnly, [bandwidth]: narrowBand, [frameSize]: 10 },
  152: { [mode]: celtOnly, [bandwidth]: narrowBand, [frameSize]: 20 },
  160: { [mode]: celtOnly, [bandwidth]: wideBand, [frameSize]: 2.5 },
  168: { [mode]: celtOnly, [bandwidth]: wideBand, [frameSize]: 5 },
  176: { [mode]: celtOnly, [bandwidth]: wideBand, [frameSize]: 10 },
  184: { [mode]: celtOnly, [bandwidth]: wideBand, [frameSize]: 20 },
  192: { [mode]: celtOnly, [bandwidth]: superWideBand, [frameSize]: 2.5 },
  200: { [mode]: celtOnly, [bandwidth]: superWideBand, [frameSize]: 5 },
  208: { [mode]: celtOnly, [bandwidth]: superWideBand, [frameSize]: 10 },
  216: { [mode]: celtOnly, [bandwidth]: superWideBand, [frameSize]: 20 },
  224: { [mode]: celtOnly, [bandwidth]: fullBand, [frameSize]: 2.5 },
  232: { [mode]: celtOnly, [bandwidth]: fullBand, [frameSize]: 5 },
  240: { [mode]: celtOnly, [bandwidth]: fullBand, [frameSize]: 10 },
  248: { [mode]: celtOnly, [bandwidth]: fullBand, [frameSize]: 20 }
};
var OpusHeader = class _OpusHeader extends CodecHeader {
  static [getHeaderFromUint8Array](dataValue, packetData, headerCache) {
    const header2 = {};
    header2[channels] = dataValue[9];
    header2[channelMappingFamily] = dataValue[18];
    header2[length] = header2[channelMappingFamily] !== 0 ? 21 + header2[channels] : 19;
    if (dataValue[length] < header2[length])
      throw new Error("Out of data while inside an Ogg Page");
    const packetMode = packetData[0] & 3;
    const packetLength = packetMode === 3 ? 2 : 1;
    const key = bytesToString(dataValue[subarray](0, header2[length])) + bytesToString(packetData[subarray](0, packetLength));
    const cachedHeader = headerCache[getHeader](key);
    if (cachedHeader) return new _OpusHeader(cachedHeader);
    if (key.substr(0, 8) !== "OpusHead") {
      return null;
    }
    if (dataValue[8] !== 1) return null;
    header2[data] = uint8Array.from(dataValue[subarray](0, header2[length]));
    const view = new dataView(header2[data][buffer]);
    header2[bitDepth] = 16;
    header2[preSkip] = view.getUint16(10, true);
    header2[inputSampleRate] = view.getUint32(12, true);
    header2[sampleRate] = rate48000;
    header2[outputGain] = view.getInt16(16, true);
    if (header2[channelMappingFamily] in channelMappingFamilies) {
      header2[channelMode] = channelMappingFamilies[header2[channelMappingFamily]][header2[channels] - 1];
      if (!header2[channelMode]) return null;
    }
    if (header2[channelMappingFamily] !== 0) {
      header2[streamCount] = dataValue[19];
      header2[coupledStreamCount] = dataValue[20];
      header2[channelMappingTable] = [
        ...dataValue[subarray](21, header2[channels] + 21)
      ];
    }
    const packetConfig = configTable[248 & packetData[0]];
    header2[mode] = packetConfig[mode];
    header2[bandwidth] = packetConfig[bandwidth];
    header2[frameSize] = packetConfig[frameSize];
    switch (packetMode) {
      case 0:
        header2[frameCount] = 1;
        break;
      case 1:
      // 1: 2 frames in the packet, each with equal compressed size
      case 2:
        header2[frameCount] = 2;
        break;
      case 3:
        header2[isVbr] = !!(128 & packetData[1]);
        header2[hasOpusPadding] = !!(64 & packetData[1]);
        header2[frameCount] = 63 & packetData[1];
        break;
      default:
        return null;
    }
    {
      const {
        length: length2,
        data: headerData,
        channelMappingFamily: channelMappingFamily2,
        ...codecUpdateFields
      } = header2;
      headerCache[setHeader](key, header2, codecUpdateFields);
    }
    return new _OpusHeader(header2);
  }
  /**
   * @private
   * Call OpusHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    super(header2);
    this[data] = header2[data];
    this[bandwidth] = header2[bandwidth];
    this[channelMappingFamily] = header2[channelMappingFamily];
    this[channelMappingTable] = header2[channelMappingTable];
    this[coupledStreamCount] = header2[coupledStreamCount];
    this[frameCount] = header2[frameCount];
    this[frameSize] = header2[frameSize];
    this[hasOpusPadding] = header2[hasOpusPadding];
    this[inputSampleRate] = header2[inputSampleRate];
    this[isVbr] = header2[isVbr];
    this[mode] = header2[mode];
    this[outputGain] = header2[outputGain];
    this[preSkip] = header2[preSkip];
    this[streamCount] = header2[streamCount];
  }
};

// node_modules/codec-parser/src/codecs/opus/OpusParser.js
var OpusParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this.Frame = OpusFrame;
    this.Header = OpusHeader;
    onCodec(this[codec]);
    this._identificationHeader = null;
    this._preSkipRemaining = null;
  }
  get [codec]() {
    return "opus";
  }
  /**
   * @todo implement continued page support
   */
  [parseOggPage](oggPage) {
    if (oggPage[pageSequenceNumber] === 0) {
      this._headerCache[enable]();
      this._identificationHeader = oggPage[data];
    } else if (oggPage[pageSequenceNumber] === 1) {
    } else {
      oggPage[codecFrames] = frameStore.get(oggPage)[segments].map((segment) => {
        const header2 = OpusHeader[getHeaderFromUint8Array](
          this._identificationHeader,
          segment,
          this._headerCache
        );
        if (header2) {
          if (this._preSkipRemaining === null)
            this._preSkipRemaining = header2[preSkip];
          let samples2 = header2[frameSize] * header2[frameCount] / 1e3 * header2[sampleRate];
          if (this._preSkipRemaining > 0) {
            this._preSkipRemaining -= samples2;
            samples2 = this._preSkipRemaining < 0 ? -this._preSkipRemaining : 0;
          }
          return new OpusFrame(segment, header2, samples2);
        }
        this._codecParser[logError2](
          "Failed to parse Ogg Opus Header",
          "Not a valid Ogg Opus file"
        );
      });
    }
    return oggPage;
  }
};

// node_modules/codec-parser/src/codecs/vorbis/VorbisFrame.js
var VorbisFrame = class extends CodecFrame {
  constructor(data2, header2, samples2) {
    super(header2, data2, samples2);
  }
};

// node_modules/codec-parser/src/codecs/vorbis/VorbisHeader.js
var blockSizes = {
  // 0b0110: 64,
  // 0b0111: 128,
  // 0b1000: 256,
  // 0b1001: 512,
  // 0b1010: 1024,
  // 0b1011: 2048,
  // 0b1100: 4096,
  // 0b1101: 8192
};
for (let i = 0; i < 8; i++) blockSizes[i + 6] = 2 ** (6 + i);
var VorbisHeader = class _VorbisHeader extends CodecHeader {
  static [getHeaderFromUint8Array](dataValue, headerCache, vorbisCommentsData, vorbisSetupData) {
    if (dataValue[length] < 30)
      throw new Error("Out of data while inside an Ogg Page");
    const key = bytesToString(dataValue[subarray](0, 30));
    const cachedHeader = headerCache[getHeader](key);
    if (cachedHeader) return new _VorbisHeader(cachedHeader);
    const header2 = { [length]: 30 };
    if (key.substr(0, 7) !== "vorbis") {
      return null;
    }
    header2[data] = uint8Array.from(dataValue[subarray](0, 30));
    const view = new dataView(header2[data][buffer]);
    header2[version] = view.getUint32(7, true);
    if (header2[version] !== 0) return null;
    header2[channels] = dataValue[11];
    header2[channelMode] = vorbisOpusChannelMapping[header2[channels] - 1] || "application defined";
    header2[sampleRate] = view.getUint32(12, true);
    header2[bitrateMaximum] = view.getInt32(16, true);
    header2[bitrateNominal] = view.getInt32(20, true);
    header2[bitrateMinimum] = view.getInt32(24, true);
    header2[blocksize1] = blockSizes[(dataValue[28] & 240) >> 4];
    header2[blocksize0] = blockSizes[dataValue[28] & 15];
    if (header2[blocksize0] > header2[blocksize1]) return null;
    if (dataValue[29] !== 1) return null;
    header2[bitDepth] = 32;
    header2[vorbisSetup] = vorbisSetupData;
    header2[vorbisComments] = vorbisCommentsData;
    {
      const {
        length: length2,
        data: data2,
        version: version2,
        vorbisSetup: vorbisSetup2,
        vorbisComments: vorbisComments2,
        ...codecUpdateFields
      } = header2;
      headerCache[setHeader](key, header2, codecUpdateFields);
    }
    return new _VorbisHeader(header2);
  }
  /**
   * @private
   * Call VorbisHeader.getHeader(Array<Uint8>) to get instance
   */
  constructor(header2) {
    super(header2);
    this[bitrateMaximum] = header2[bitrateMaximum];
    this[bitrateMinimum] = header2[bitrateMinimum];
    this[bitrateNominal] = header2[bitrateNominal];
    this[blocksize0] = header2[blocksize0];
    this[blocksize1] = header2[blocksize1];
    this[data] = header2[data];
    this[vorbisComments] = header2[vorbisComments];
    this[vorbisSetup] = header2[vorbisSetup];
  }
};

// node_modules/codec-parser/src/codecs/vorbis/VorbisParser.js
var VorbisParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this.Frame = VorbisFrame;
    onCodec(this[codec]);
    this._identificationHeader = null;
    this._setupComplete = false;
    this._prevBlockSize = null;
  }
  get [codec]() {
    return vorbis;
  }
  [parseOggPage](oggPage) {
    oggPage[codecFrames] = [];
    for (const oggPageSegment of frameStore.get(oggPage)[segments]) {
      if (oggPageSegment[0] === 1) {
        this._headerCache[enable]();
        this._identificationHeader = oggPage[data];
        this._setupComplete = false;
      } else if (oggPageSegment[0] === 3) {
        this._vorbisComments = oggPageSegment;
      } else if (oggPageSegment[0] === 5) {
        this._vorbisSetup = oggPageSegment;
        this._mode = this._parseSetupHeader(oggPageSegment);
        this._setupComplete = true;
      } else if (this._setupComplete) {
        const header2 = VorbisHeader[getHeaderFromUint8Array](
          this._identificationHeader,
          this._headerCache,
          this._vorbisComments,
          this._vorbisSetup
        );
        if (header2) {
          oggPage[codecFrames].push(
            new VorbisFrame(
              oggPageSegment,
              header2,
              this._getSamples(oggPageSegment, header2)
            )
          );
        } else {
          this._codecParser[logError](
            "Failed to parse Ogg Vorbis Header",
            "Not a valid Ogg Vorbis file"
          );
        }
      }
    }
    return oggPage;
  }
  _getSamples(segment, header2) {
    const blockFlag = this._mode.blockFlags[segment[0] >> 1 & this._mode.mask];
    const currentBlockSize = blockFlag ? header2[blocksize1] : header2[blocksize0];
    const samplesValue = this._prevBlockSize === null ? 0 : (this._prevBlockSize + currentBlockSize) / 4;
    this._prevBlockSize = currentBlockSize;
    return samplesValue;
  }
  // https://gitlab.xiph.org/xiph/liboggz/-/blob/master/src/liboggz/oggz_auto.c#L911
  // https://github.com/FFmpeg/FFmpeg/blob/master/libavcodec/vorbis_parser.c
  /*
   * This is the format of the mode data at the end of the packet for all
   * Vorbis Version 1 :
   *
   * [ 6:number_of_modes ]
   * [ 1:size | 16:window_type(0) | 16:transform_type(0) | 8:mapping ]
   * [ 1:size | 16:window_type(0) | 16:transform_type(0) | 8:mapping ]
   * [ 1:size | 16:window_type(0) | 16:transform_type(0) | 8:mapping ]
   * [ 1:framing(1) ]
   *
   * e.g.:
   *
   * MsB         LsB
   *              <-
   * 0 0 0 0 0 1 0 0
   * 0 0 1 0 0 0 0 0
   * 0 0 1 0 0 0 0 0
   * 0 0 1|0 0 0 0 0
   * 0 0 0 0|0|0 0 0
   * 0 0 0 0 0 0 0 0
   * 0 0 0 0|0 0 0 0
   * 0 0 0 0 0 0 0 0
   * 0 0 0 0|0 0 0 0
   * 0 0 0|1|0 0 0 0 |
   * 0 0 0 0 0 0 0 0 V
   * 0 0 0|0 0 0 0 0
   * 0 0 0 0 0 0 0 0
   * 0 0|1 0 0 0 0 0
   *
   * The simplest way to approach this is to start at the end
   * and read backwards to determine the mode configuration.
   *
   * liboggz and ffmpeg both use this method.
   */
  _parseSetupHeader(setup) {
    const bitReader = new BitReader(setup);
    const mode2 = {
      count: 0,
      blockFlags: []
    };
    while ((bitReader.read(1) & 1) !== 1) {
    }
    let modeBits;
    while (mode2.count < 64 && bitReader.position > 0) {
      reverse(bitReader.read(8));
      let currentByte = 0;
      while (bitReader.read(8) === 0 && currentByte++ < 3) {
      }
      if (currentByte === 4) {
        modeBits = bitReader.read(7);
        mode2.blockFlags.unshift(modeBits & 1);
        bitReader.position += 6;
        mode2.count++;
      } else {
        if (((reverse(modeBits) & 126) >> 1) + 1 !== mode2.count) {
          this._codecParser[logWarning](
            "vorbis derived mode count did not match actual mode count"
          );
        }
        break;
      }
    }
    mode2.mask = (1 << Math.log2(mode2.count)) - 1;
    return mode2;
  }
};

// node_modules/codec-parser/src/containers/ogg/OggParser.js
var OggStream = class {
  constructor(codecParser, headerCache, onCodec) {
    this._codecParser = codecParser;
    this._headerCache = headerCache;
    this._onCodec = onCodec;
    this._continuedPacket = new uint8Array();
    this._codec = null;
    this._isSupported = null;
    this._previousAbsoluteGranulePosition = null;
  }
  get [codec]() {
    return this._codec || "";
  }
  _updateCodec(codec2, Parser2) {
    if (this._codec !== codec2) {
      this._headerCache[reset]();
      this._parser = new Parser2(
        this._codecParser,
        this._headerCache,
        this._onCodec
      );
      this._codec = codec2;
    }
  }
  _checkCodecSupport({ data: data2 }) {
    const idString = bytesToString(data2[subarray](0, 8));
    switch (idString) {
      case "fishead\0":
        return false;
      // ignore ogg skeleton packets
      case "OpusHead":
        this._updateCodec("opus", OpusParser);
        return true;
      case (/^\x7fFLAC/.test(idString) && idString):
        this._updateCodec("flac", FLACParser);
        return true;
      case (/^\x01vorbis/.test(idString) && idString):
        this._updateCodec(vorbis, VorbisParser);
        return true;
      default:
        return false;
    }
  }
  _checkPageSequenceNumber(oggPage) {
    if (oggPage[pageSequenceNumber] !== this._pageSequenceNumber + 1 && this._pageSequenceNumber > 1 && oggPage[pageSequenceNumber] > 1) {
      this._codecParser[logWarning](
        "Unexpected gap in Ogg Page Sequence Number.",
        `Expected: ${this._pageSequenceNumber + 1}, Got: ${oggPage[pageSequenceNumber]}`
      );
    }
    this._pageSequenceNumber = oggPage[pageSequenceNumber];
  }
  _parsePage(oggPage) {
    if (this._isSupported === null) {
      this._pageSequenceNumber = oggPage[pageSequenceNumber];
      this._isSupported = this._checkCodecSupport(oggPage);
    }
    this._checkPageSequenceNumber(oggPage);
    const oggPageStore = frameStore.get(oggPage);
    const headerData = headerStore.get(oggPageStore[header]);
    let offset = 0;
    oggPageStore[segments] = headerData[pageSegmentTable].map(
      (segmentLength) => oggPage[data][subarray](offset, offset += segmentLength)
    );
    if (this._continuedPacket[length]) {
      oggPageStore[segments][0] = concatBuffers(
        this._continuedPacket,
        oggPageStore[segments][0]
      );
      this._continuedPacket = new uint8Array();
    }
    if (headerData[pageSegmentBytes][headerData[pageSegmentBytes][length] - 1] === 255) {
      this._continuedPacket = concatBuffers(
        this._continuedPacket,
        oggPageStore[segments].pop()
      );
    }
    if (this._previousAbsoluteGranulePosition !== null) {
      oggPage[samples] = Number(
        oggPage[absoluteGranulePosition] - this._previousAbsoluteGranulePosition
      );
    }
    this._previousAbsoluteGranulePosition = oggPage[absoluteGranulePosition];
    if (this._isSupported) {
      const frame2 = this._parser[parseOggPage](oggPage);
      this._codecParser[mapFrameStats](frame2);
      return frame2;
    } else {
      return oggPage;
    }
  }
};
var OggParser = class extends Parser {
  constructor(codecParser, headerCache, onCodec) {
    super(codecParser, headerCache);
    this._onCodec = onCodec;
    this.Frame = OggPage;
    this.Header = OggPageHeader;
    this._streams = /* @__PURE__ */ new Map();
    this._currentSerialNumber = null;
  }
  get [codec]() {
    const oggStream = this._streams.get(this._currentSerialNumber);
    return oggStream ? oggStream.codec : "";
  }
  *[parseFrame]() {
    const oggPage = yield* this[fixedLengthFrameSync](true);
    this._currentSerialNumber = oggPage[streamSerialNumber];
    let oggStream = this._streams.get(this._currentSerialNumber);
    if (!oggStream) {
      oggStream = new OggStream(
        this._codecParser,
        this._headerCache,
        this._onCodec
      );
      this._streams.set(this._currentSerialNumber, oggStream);
    }
    if (oggPage[isLastPage]) this._streams.delete(this._currentSerialNumber);
    return oggStream._parsePage(oggPage);
  }
};

// node_modules/codec-parser/src/CodecParser.js
var noOp = () => {
};
var CodecParser = class {
  constructor(mimeType2, {
    onCodec,
    onCodecHeader,
    onCodecUpdate,
    enableLogging = false,
    enableFrameCRC32 = true
  } = {}) {
    this._inputMimeType = mimeType2;
    this._onCodec = onCodec || noOp;
    this._onCodecHeader = onCodecHeader || noOp;
    this._onCodecUpdate = onCodecUpdate;
    this._enableLogging = enableLogging;
    this._crc32 = enableFrameCRC32 ? crc32Function : noOp;
    this[reset]();
  }
  /**
   * @public
   * @returns The detected codec
   */
  get [codec]() {
    return this._parser ? this._parser[codec] : "";
  }
  [reset]() {
    this._headerCache = new HeaderCache(
      this._onCodecHeader,
      this._onCodecUpdate
    );
    this._generator = this._getGenerator();
    this._generator.next();
  }
  /**
   * @public
   * @description Generator function that yields any buffered CodecFrames and resets the CodecParser
   * @returns {Iterable<CodecFrame|OggPage>} Iterator that operates over the codec data.
   * @yields {CodecFrame|OggPage} Parsed codec or ogg page data
   */
  *flush() {
    this._flushing = true;
    for (let i = this._generator.next(); i.value; i = this._generator.next()) {
      yield i.value;
    }
    this._flushing = false;
    this[reset]();
  }
  /**
   * @public
   * @description Generator function takes in a Uint8Array of data and returns a CodecFrame from the data for each iteration
   * @param {Uint8Array} chunk Next chunk of codec data to read
   * @returns {Iterable<CodecFrame|OggPage>} Iterator that operates over the codec data.
   * @yields {CodecFrame|OggPage} Parsed codec or ogg page data
   */
  *parseChunk(chunk) {
    for (let i = this._generator.next(chunk); i.value; i = this._generator.next()) {
      yield i.value;
    }
  }
  /**
   * @public
   * @description Parses an entire file and returns all of the contained frames.
   * @param {Uint8Array} fileData Coded data to read
   * @returns {Array<CodecFrame|OggPage>} CodecFrames
   */
  parseAll(fileData) {
    return [...this.parseChunk(fileData), ...this.flush()];
  }
  /**
   * @private
   */
  *_getGenerator() {
    if (this._inputMimeType.match(/aac/)) {
      this._parser = new AACParser(this, this._headerCache, this._onCodec);
    } else if (this._inputMimeType.match(/mpeg/)) {
      this._parser = new MPEGParser(this, this._headerCache, this._onCodec);
    } else if (this._inputMimeType.match(/flac/)) {
      this._parser = new FLACParser(this, this._headerCache, this._onCodec);
    } else if (this._inputMimeType.match(/ogg/)) {
      this._parser = new OggParser(this, this._headerCache, this._onCodec);
    } else {
      throw new Error(`Unsupported Codec ${mimeType}`);
    }
    this._frameNumber = 0;
    this._currentReadPosition = 0;
    this._totalBytesIn = 0;
    this._totalBytesOut = 0;
    this._totalSamples = 0;
    this._sampleRate = void 0;
    this._rawData = new Uint8Array(0);
    while (true) {
      const frame2 = yield* this._parser[parseFrame]();
      if (frame2) yield frame2;
    }
  }
  /**
   * @protected
   * @param {number} minSize Minimum bytes to have present in buffer
   * @returns {Uint8Array} rawData
   */
  *[readRawData](minSize = 0, readOffset = 0) {
    let rawData2;
    while (this._rawData[length] <= minSize + readOffset) {
      rawData2 = yield;
      if (this._flushing) return this._rawData[subarray](readOffset);
      if (rawData2) {
        this._totalBytesIn += rawData2[length];
        this._rawData = concatBuffers(this._rawData, rawData2);
      }
    }
    return this._rawData[subarray](readOffset);
  }
  /**
   * @protected
   * @param {number} increment Bytes to increment codec data
   */
  [incrementRawData](increment) {
    this._currentReadPosition += increment;
    this._rawData = this._rawData[subarray](increment);
  }
  /**
   * @protected
   */
  [mapCodecFrameStats](frame2) {
    this._sampleRate = frame2[header][sampleRate];
    frame2[header][bitrate] = frame2[duration] > 0 ? Math.round(frame2[data][length] / frame2[duration]) * 8 : 0;
    frame2[frameNumber] = this._frameNumber++;
    frame2[totalBytesOut] = this._totalBytesOut;
    frame2[totalSamples] = this._totalSamples;
    frame2[totalDuration] = this._totalSamples / this._sampleRate * 1e3;
    frame2[crc32] = this._crc32(frame2[data]);
    this._headerCache[checkCodecUpdate](
      frame2[header][bitrate],
      frame2[totalDuration]
    );
    this._totalBytesOut += frame2[data][length];
    this._totalSamples += frame2[samples];
  }
  /**
   * @protected
   */
  [mapFrameStats](frame2) {
    if (frame2[codecFrames]) {
      if (frame2[isLastPage]) {
        let absoluteGranulePositionSamples = frame2[samples];
        frame2[codecFrames].forEach((codecFrame) => {
          const untrimmedCodecSamples = codecFrame[samples];
          if (absoluteGranulePositionSamples < untrimmedCodecSamples) {
            codecFrame[samples] = absoluteGranulePositionSamples > 0 ? absoluteGranulePositionSamples : 0;
            codecFrame[duration] = codecFrame[samples] / codecFrame[header][sampleRate] * 1e3;
          }
          absoluteGranulePositionSamples -= untrimmedCodecSamples;
          this[mapCodecFrameStats](codecFrame);
        });
      } else {
        frame2[samples] = 0;
        frame2[codecFrames].forEach((codecFrame) => {
          frame2[samples] += codecFrame[samples];
          this[mapCodecFrameStats](codecFrame);
        });
      }
      frame2[duration] = frame2[samples] / this._sampleRate * 1e3 || 0;
      frame2[totalSamples] = this._totalSamples;
      frame2[totalDuration] = this._totalSamples / this._sampleRate * 1e3 || 0;
      frame2[totalBytesOut] = this._totalBytesOut;
    } else {
      this[mapCodecFrameStats](frame2);
    }
  }
  /**
   * @private
   */
  _log(logger, messages) {
    if (this._enableLogging) {
      const stats = [
        `${codec}:         ${this[codec]}`,
        `inputMimeType: ${this._inputMimeType}`,
        `readPosition:  ${this._currentReadPosition}`,
        `totalBytesIn:  ${this._totalBytesIn}`,
        `${totalBytesOut}: ${this._totalBytesOut}`
      ];
      const width = Math.max(...stats.map((s) => s[length]));
      messages.push(
        `--stats--${"-".repeat(width - 9)}`,
        ...stats,
        "-".repeat(width)
      );
      logger(
        "codec-parser",
        messages.reduce((acc, message) => acc + "\n  " + message, "")
      );
    }
  }
  /**
   * @protected
   */
  [logWarning](...messages) {
    this._log(console.warn, messages);
  }
  /**
   * @protected
   */
  [logError2](...messages) {
    this._log(console.error, messages);
  }
};

// node_modules/codec-parser/index.js
var codec_parser_default = CodecParser;

// node_modules/mse-audio-wrapper/src/constants.js
var MP4 = "mp4";
var WEBM = "webm";
var MP3 = "mp3";
var MP4A_40_2 = "mp4a.40.2";
var FLAC = "flac";
var VORBIS = "vorbis";
var OPUS = "opus";
var audio = "audio/";
var codecs = ";codecs=";
var AUDIO_MP4 = audio + MP4 + codecs;
var AUDIO_WEBM = audio + WEBM + codecs;
var MSE_AUDIO_WRAPPER = "mse-audio-wrapper";

// node_modules/mse-audio-wrapper/src/containers/ContainerElement.js
var ContainerElement = class _ContainerElement {
  /**
   * @abstract
   * @description Container Object structure Abstract Class
   * @param {any} name Name of the object
   * @param {Array<Uint8>} [contents] Array of arrays or typed arrays, or a single number or typed array
   * @param {Array<ContainerElement>} [objects] Array of objects to insert into this object
   */
  constructor({ name, contents = [], children = [] }) {
    this._name = name;
    this._contents = contents;
    this._children = children;
  }
  /**
   * @description Converts a string to a byte array
   * @param {string} name String to convert
   * @returns {Uint8Array}
   */
  static stringToByteArray(name) {
    return [...name].map((char) => char.charCodeAt(0));
  }
  /**
   * @description Converts a JavaScript number to Uint32
   * @param {number} number Number to convert
   * @returns {Uint32}
   */
  static getFloat64(number) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, number);
    return bytes;
  }
  /**
   * @description Converts a JavaScript number to Uint32
   * @param {number} number Number to convert
   * @returns {Uint32}
   */
  static getUint64(number) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
    return bytes;
  }
  /**
   * @description Converts a JavaScript number to Uint32
   * @param {number} number Number to convert
   * @returns {Uint32}
   */
  static getUint32(number) {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, number);
    return bytes;
  }
  /**
   * @description Converts a JavaScript number to Uint16
   * @param {number} number Number to convert
   * @returns {Uint32}
   */
  static getUint16(number) {
    const bytes = new Uint8Array(2);
    new DataView(bytes.buffer).setUint16(0, number);
    return bytes;
  }
  /**
   * @description Converts a JavaScript number to Int16
   * @param {number} number Number to convert
   * @returns {Uint32}
   */
  static getInt16(number) {
    const bytes = new Uint8Array(2);
    new DataView(bytes.buffer).setInt16(0, number);
    return bytes;
  }
  static *flatten(array) {
    for (const item of array) {
      if (Array.isArray(item)) {
        yield* _ContainerElement.flatten(item);
      } else {
        yield item;
      }
    }
  }
  /**
   * @returns {Uint8Array} Contents of this container element
   */
  get contents() {
    const buffer2 = new Uint8Array(this.length);
    const contents = this._buildContents();
    let offset = 0;
    for (const element of _ContainerElement.flatten(contents)) {
      if (typeof element !== "object") {
        buffer2[offset] = element;
        offset++;
      } else {
        buffer2.set(element, offset);
        offset += element.length;
      }
    }
    return buffer2;
  }
  /**
   * @returns {number} Length of this container element
   */
  get length() {
    return this._buildLength();
  }
  _buildContents() {
    return [
      this._contents,
      ...this._children.map((obj) => obj._buildContents())
    ];
  }
  _buildLength() {
    let length2;
    if (Array.isArray(this._contents)) {
      length2 = this._contents.reduce(
        (acc, val) => acc + (val.length === void 0 ? 1 : val.length),
        0
      );
    } else {
      length2 = this._contents.length === void 0 ? 1 : this._contents.length;
    }
    return length2 + this._children.reduce((acc, obj) => acc + obj.length, 0);
  }
  addChild(object) {
    this._children.push(object);
  }
};

// node_modules/mse-audio-wrapper/src/containers/isobmff/Box.js
var Box = class extends ContainerElement {
  /**
   * @description ISO/IEC 14496-12 Part 12 ISO Base Media File Format Box
   * @param {string} name Name of the box (i.e. 'moov', 'moof', 'traf')
   * @param {object} params Object containing contents or child boxes
   * @param {Array<Uint8>} [params.contents] Array of bytes to insert into this box
   * @param {Array<Box>} [params.children] Array of child boxes to insert into this box
   */
  constructor(name, { contents, children } = {}) {
    super({ name, contents, children });
  }
  _buildContents() {
    return [
      ...this._lengthBytes,
      ...ContainerElement.stringToByteArray(this._name),
      ...super._buildContents()
    ];
  }
  _buildLength() {
    if (!this._length) {
      this._length = 4 + this._name.length + super._buildLength();
      this._lengthBytes = ContainerElement.getUint32(this._length);
    }
    return this._length;
  }
};

// node_modules/mse-audio-wrapper/src/containers/isobmff/ESTag.js
var ESTag = class _ESTag extends ContainerElement {
  constructor(tagNumber, { contents, tags } = {}) {
    super({ name: tagNumber, contents, children: tags });
  }
  static getLength(length2) {
    const bytes = ContainerElement.getUint32(length2);
    bytes.every((byte, i, array) => {
      if (byte === 0) {
        array[i] = 128;
        return true;
      }
      return false;
    });
    return bytes;
  }
  /**
   * @returns {Uint8Array} Contents of this stream descriptor tag
   */
  _buildContents() {
    return [this._name, ...this._lengthBytes, ...super._buildContents()];
  }
  _buildLength() {
    if (!this._length) {
      const length2 = super._buildLength();
      this._lengthBytes = _ESTag.getLength(length2);
      this._length = 1 + length2 + this._lengthBytes.length;
    }
    return this._length;
  }
  addTag(tag) {
    this.addChild(tag);
  }
};

// node_modules/mse-audio-wrapper/src/containers/isobmff/ISOBMFFContainer.js
var ISOBMFFContainer = class {
  constructor(codec2) {
    this._codec = codec2;
  }
  getCodecBox(header2) {
    switch (this._codec) {
      case MP3:
        return this.getMp4a(header2, 107);
      case MP4A_40_2:
        return this.getMp4a(header2, 64);
      case OPUS:
        return this.getOpus(header2);
      case FLAC:
        return this.getFlaC(header2);
    }
  }
  getOpus(header2) {
    return new Box("Opus", {
      /* prettier-ignore */
      contents: [
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        1,
        // data reference index
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        header2.channels,
        // channel count
        0,
        header2.bitDepth,
        // PCM bitrate (16bit)
        0,
        0,
        // predefined
        0,
        0,
        // reserved
        Box.getUint16(header2.sampleRate),
        0,
        0
        // sample rate 16.16 fixed-point
      ],
      children: [
        new Box("dOps", {
          /* prettier-ignore */
          contents: [
            0,
            // version
            header2.channels,
            // output channel count
            Box.getUint16(header2.preSkip),
            // pre skip
            Box.getUint32(header2.inputSampleRate),
            // input sample rate
            Box.getInt16(header2.outputGain),
            // output gain
            header2.channelMappingFamily,
            // channel mapping family int(8)
            header2.channelMappingFamily !== 0 ? [
              header2.streamCount,
              header2.coupledStreamCount,
              header2.channelMappingTable
              // channel mapping table
            ] : []
          ]
        })
      ]
    });
  }
  getFlaC(header2) {
    return new Box("fLaC", {
      /* prettier-ignore */
      contents: [
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        1,
        // data reference index
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        header2.channels,
        // channel count
        0,
        header2.bitDepth,
        // PCM bitrate (16bit)
        0,
        0,
        // predefined
        0,
        0,
        // reserved
        Box.getUint16(header2.sampleRate),
        0,
        0
        // sample rate 16.16 fixed-point
        /*
        When the bitstream's native sample rate is greater
        than the maximum expressible value of 65535 Hz,
        the samplerate field shall hold the greatest
        expressible regular division of that rate. I.e.
        the samplerate field shall hold 48000.0 for
        native sample rates of 96 and 192 kHz. In the
        case of unusual sample rates which do not have
        an expressible regular division, the maximum value
        of 65535.0 Hz should be used.
        */
      ],
      children: [
        new Box("dfLa", {
          /* prettier-ignore */
          contents: [
            0,
            // version
            0,
            0,
            0,
            // flags
            ...header2.streamInfo || [
              // * `A........` Last metadata block flag
              // * `.BBBBBBBB` BlockType
              128,
              // last metadata block, stream info
              0,
              0,
              34,
              // Length
              Box.getUint16(header2.blockSize),
              // maximum block size
              Box.getUint16(header2.blockSize),
              // minimum block size
              0,
              0,
              0,
              // maximum frame size
              0,
              0,
              0,
              // minimum frame size
              Box.getUint32(header2.sampleRate << 12 | header2.channels << 8 | header2.bitDepth - 1 << 4),
              // 20bits sample rate, 3bits channels, 5bits bitDepth - 1
              0,
              0,
              0,
              0,
              // total samples
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0,
              0
              // md5 of stream
            ]
          ]
        })
      ]
    });
  }
  getMp4a(header2, esdsCodec) {
    const streamDescriptorTag = new ESTag(4, {
      /* prettier-ignore */
      contents: [
        esdsCodec,
        21,
        // stream type(6bits)=5 audio, flags(2bits)=1
        0,
        0,
        0,
        // 24bit buffer size
        0,
        0,
        0,
        0,
        // max bitrate
        0,
        0,
        0,
        0
        // avg bitrate
      ]
    });
    if (esdsCodec === 64) {
      streamDescriptorTag.addTag(
        new ESTag(5, {
          contents: header2.audioSpecificConfig
        })
      );
    }
    return new Box("mp4a", {
      /* prettier-ignore */
      contents: [
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        1,
        // data reference index
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        // reserved
        0,
        header2.channels,
        // channel count
        0,
        16,
        // PCM bitrate (16bit)
        0,
        0,
        // Compression ID
        0,
        0,
        // Packet size
        Box.getUint16(header2.sampleRate),
        0,
        0
      ],
      // sample rate unsigned floating point
      children: [
        new Box("esds", {
          contents: [0, 0, 0, 0],
          children: [
            new ESTag(3, {
              contents: [
                0,
                1,
                // ES_ID = 1
                0
                // flags etc = 0
              ],
              tags: [
                streamDescriptorTag,
                new ESTag(6, {
                  contents: 2
                })
              ]
            })
          ]
        })
      ]
    });
  }
  /**
   * @param {Header} header Codec frame
   * @returns {Uint8Array} Filetype and Movie Box information for the codec
   */
  getInitializationSegment({ header: header2, samples: samples2 }) {
    return new ContainerElement({
      children: [
        new Box("ftyp", {
          /* prettier-ignore */
          contents: [
            Box.stringToByteArray("iso5"),
            // major brand
            0,
            0,
            2,
            0,
            // minor version
            Box.stringToByteArray("iso6mp41")
          ]
          // compatible brands
        }),
        new Box("moov", {
          children: [
            new Box("mvhd", {
              /* prettier-ignore */
              contents: [
                0,
                // version
                0,
                0,
                0,
                // flags
                0,
                0,
                0,
                0,
                // creation time
                0,
                0,
                0,
                0,
                // modification time
                0,
                0,
                3,
                232,
                // timescale
                0,
                0,
                0,
                0,
                // duration
                0,
                1,
                0,
                0,
                // rate
                1,
                0,
                // volume
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                // reserved
                0,
                1,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                // a b u (matrix structure)
                0,
                0,
                0,
                0,
                0,
                1,
                0,
                0,
                0,
                0,
                0,
                0,
                // c d v
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                64,
                0,
                0,
                0,
                // x y w
                0,
                0,
                0,
                0,
                // preview time
                0,
                0,
                0,
                0,
                // preview duration
                0,
                0,
                0,
                0,
                // poster time
                0,
                0,
                0,
                0,
                // selection time
                0,
                0,
                0,
                0,
                // selection duration
                0,
                0,
                0,
                0,
                // current time
                0,
                0,
                0,
                2
              ]
              // next track
            }),
            new Box("trak", {
              children: [
                new Box("tkhd", {
                  /* prettier-ignore */
                  contents: [
                    0,
                    // version
                    0,
                    0,
                    3,
                    // flags (0x01 - track enabled, 0x02 - track in movie, 0x04 - track in preview, 0x08 - track in poster)
                    0,
                    0,
                    0,
                    0,
                    // creation time
                    0,
                    0,
                    0,
                    0,
                    // modification time
                    0,
                    0,
                    0,
                    1,
                    // track id
                    0,
                    0,
                    0,
                    0,
                    // reserved
                    0,
                    0,
                    0,
                    0,
                    // duration
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    // reserved
                    0,
                    0,
                    // layer
                    0,
                    1,
                    // alternate group
                    1,
                    0,
                    // volume
                    0,
                    0,
                    // reserved
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    // a b u (matrix structure)
                    0,
                    0,
                    0,
                    0,
                    0,
                    1,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    // c d v 
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    0,
                    64,
                    0,
                    0,
                    0,
                    // x y w
                    0,
                    0,
                    0,
                    0,
                    // track width
                    0,
                    0,
                    0,
                    0
                  ]
                  // track height
                }),
                new Box("mdia", {
                  children: [
                    new Box("mdhd", {
                      /* prettier-ignore */
                      contents: [
                        0,
                        // version
                        0,
                        0,
                        0,
                        // flags
                        0,
                        0,
                        0,
                        0,
                        // creation time (in seconds since midnight, January 1, 1904)
                        0,
                        0,
                        0,
                        0,
                        // modification time
                        Box.getUint32(header2.sampleRate),
                        // time scale
                        0,
                        0,
                        0,
                        0,
                        // duration
                        85,
                        196,
                        // language
                        0,
                        0
                      ]
                      // quality
                    }),
                    new Box("hdlr", {
                      /* prettier-ignore */
                      contents: [
                        0,
                        // version
                        0,
                        0,
                        0,
                        // flags
                        Box.stringToByteArray("mhlr"),
                        // component type (mhlr, dhlr)
                        Box.stringToByteArray("soun"),
                        // component subtype (vide' for video data, 'soun' for sound data or ‘subt’ for subtitles)
                        0,
                        0,
                        0,
                        0,
                        // component manufacturer
                        0,
                        0,
                        0,
                        0,
                        // component flags
                        0,
                        0,
                        0,
                        0,
                        // component flags mask
                        0
                      ]
                      // String that specifies the name of the component, terminated by a null character
                    }),
                    new Box("minf", {
                      children: [
                        new Box("stbl", {
                          children: [
                            new Box("stsd", {
                              // Sample description atom
                              /* prettier-ignore */
                              contents: [
                                0,
                                // version
                                0,
                                0,
                                0,
                                // flags
                                0,
                                0,
                                0,
                                1
                              ],
                              // entry count
                              children: [this.getCodecBox(header2)]
                            }),
                            new Box("stts", {
                              // Time-to-sample atom
                              /* prettier-ignore */
                              contents: [0, 0, 0, 0, 0, 0, 0, 0]
                            }),
                            new Box("stsc", {
                              // Sample-to-chunk atom
                              /* prettier-ignore */
                              contents: [0, 0, 0, 0, 0, 0, 0, 0]
                            }),
                            new Box("stsz", {
                              // Sample Size atom
                              /* prettier-ignore */
                              contents: [
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0
                              ]
                            }),
                            new Box("stco", {
                              // Chunk Offset atom
                              /* prettier-ignore */
                              contents: [0, 0, 0, 0, 0, 0, 0, 0]
                            })
                          ]
                        })
                      ]
                    })
                  ]
                })
              ]
            }),
            new Box("mvex", {
              children: [
                new Box("trex", {
                  /* prettier-ignore */
                  contents: [
                    0,
                    0,
                    0,
                    0,
                    // flags
                    0,
                    0,
                    0,
                    1,
                    // track id
                    0,
                    0,
                    0,
                    1,
                    // default_sample_description_index
                    Box.getUint32(samples2),
                    // default_sample_duration
                    0,
                    0,
                    0,
                    0,
                    // default_sample_size;
                    0,
                    0,
                    0,
                    0
                  ]
                  // default_sample_flags;
                })
              ]
            })
          ]
        })
      ]
    }).contents;
  }
  getSamplesPerFrame(frames) {
    return this._codec === MP4A_40_2 ? frames.map(
      ({ data: data2, header: header2 }) => Box.getUint32(data2.length - header2.length)
    ) : frames.map(({ data: data2 }) => Box.getUint32(data2.length));
  }
  getFrameData(frames) {
    return this._codec === MP4A_40_2 ? frames.map(({ data: data2, header: header2 }) => data2.subarray(header2.length)) : frames.map(({ data: data2 }) => data2);
  }
  /**
   * @description Wraps codec frames into a Movie Fragment
   * @param {Array<Frame>} frames Frames to contain in this Movie Fragment
   * @returns {Uint8Array} Movie Fragment containing the frames
   */
  getMediaSegment(frames) {
    return new ContainerElement({
      children: [
        new Box("moof", {
          children: [
            new Box("mfhd", {
              /* prettier-ignore */
              contents: [0, 0, 0, 0, 0, 0, 0, 0]
              // sequence number
            }),
            new Box("traf", {
              children: [
                new Box("tfhd", {
                  /* prettier-ignore */
                  contents: [
                    0,
                    // version
                    2,
                    0,
                    0,
                    // flags
                    // * `AB|00000000|00CDE0FG`
                    // * `A.|........|........` default-base-is-moof
                    // * `.B|........|........` duration-is-empty
                    // * `..|........|..C.....` default-sample-flags-present
                    // * `..|........|...D....` default-sample-size-present
                    // * `..|........|....E...` default-sample-duration-present
                    // * `..|........|......F.` sample-description-index-present
                    // * `..|........|.......G` base-data-offset-present
                    0,
                    0,
                    0,
                    1
                  ]
                  // track id
                }),
                new Box("tfdt", {
                  /* prettier-ignore */
                  contents: [
                    0,
                    // version
                    0,
                    0,
                    0,
                    // flags
                    0,
                    0,
                    0,
                    0
                  ]
                  // base media decode time
                }),
                new Box("trun", {
                  /* prettier-ignore */
                  contents: [
                    0,
                    // version
                    0,
                    2,
                    1,
                    // flags
                    // * `ABCD|00000E0F`
                    // * `A...|........` sample‐composition‐time‐offsets‐present
                    // * `.B..|........` sample‐flags‐present
                    // * `..C.|........` sample‐size‐present
                    // * `...D|........` sample‐duration‐present
                    // * `....|.....E..` first‐sample‐flags‐present
                    // * `....|.......G` data-offset-present
                    Box.getUint32(frames.length),
                    // number of samples
                    Box.getUint32(92 + frames.length * 4),
                    // data offset
                    ...this.getSamplesPerFrame(frames)
                  ]
                  // samples size per frame
                })
              ]
            })
          ]
        }),
        new Box("mdat", {
          contents: this.getFrameData(frames)
        })
      ]
    }).contents;
  }
};

// node_modules/mse-audio-wrapper/src/utilities.js
var xiphLacing = (...buffers) => buffers.flatMap((buffer2) => {
  const lacing = [];
  for (let l = buffer2.length; l >= 0; l -= 255) {
    lacing.push(l >= 255 ? 255 : l);
  }
  return lacing;
});
var logError3 = (...messages) => {
  console.error(
    MSE_AUDIO_WRAPPER,
    messages.reduce((acc, message) => acc + "\n  " + message, "")
  );
};

// node_modules/mse-audio-wrapper/src/containers/webm/EBML.js
var EBML = class _EBML extends ContainerElement {
  /**
   * @description Extensible Binary Meta Language element
   * @param {name} name ID of the EBML element
   * @param {object} params Object containing contents or children
   * @param {boolean} [isUnknownLength] Set to true to use the unknown length constant for EBML
   * @param {Array<Uint8>} [params.contents] Array of bytes to insert into this box
   * @param {Array<Box>} [params.children] Array of children to insert into this box
   */
  constructor(name, { contents, children, isUnknownLength = false } = {}) {
    super({ name, contents, children });
    this._isUnknownLength = isUnknownLength;
  }
  /**
   * @description Converts a JavaScript number into a variable length EBML integer
   * @param {number} number Number to convert
   */
  static getUintVariable(number) {
    let buffer2;
    if (number < 127) {
      buffer2 = [128 | number];
    } else if (number < 16383) {
      buffer2 = ContainerElement.getUint16(number);
      buffer2[0] |= 64;
    } else if (number < 2097151) {
      buffer2 = ContainerElement.getUint32(number).subarray(1);
      buffer2[0] |= 32;
    } else if (number < 268435455) {
      buffer2 = ContainerElement.getUint32(number);
      buffer2[0] |= 16;
    } else if (number < 34359738367) {
      buffer2 = ContainerElement.getUint64(number).subarray(3);
      buffer2[0] |= 8;
    } else if (number < 4398046511103) {
      buffer2 = ContainerElement.getUint64(number).subarray(2);
      buffer2[0] |= 4;
    } else if (number < 562949953421311) {
      buffer2 = ContainerElement.getUint64(number).subarray(1);
      buffer2[0] |= 2;
    } else if (number < 72057594037927940) {
      buffer2 = ContainerElement.getUint64(number);
      buffer2[0] |= 1;
    } else if (typeof number !== "number" || isNaN(number)) {
      logError3(
        `EBML Variable integer must be a number, instead received ${number}`
      );
      throw new Error(MSE_AUDIO_WRAPPER + ": Unable to encode WEBM");
    }
    return buffer2;
  }
  _buildContents() {
    return [...this._name, ...this._lengthBytes, ...super._buildContents()];
  }
  _buildLength() {
    if (!this._length) {
      this._contentLength = super._buildLength();
      this._lengthBytes = this._isUnknownLength ? [1, 255, 255, 255, 255, 255, 255, 255] : _EBML.getUintVariable(this._contentLength);
      this._length = this._name.length + this._lengthBytes.length + this._contentLength;
    }
    return this._length;
  }
};
var id = {
  AlphaMode: [83, 192],
  AspectRatioType: [84, 179],
  AttachedFile: [97, 167],
  AttachmentLink: [116, 70],
  Attachments: [25, 65, 164, 105],
  Audio: [225],
  BitDepth: [98, 100],
  BitsPerChannel: [85, 178],
  Block: [161],
  BlockAddID: [238],
  BlockAdditional: [165],
  BlockAdditions: [117, 161],
  BlockDuration: [155],
  BlockGroup: [160],
  BlockMore: [166],
  CbSubsamplingHorz: [85, 181],
  CbSubsamplingVert: [85, 182],
  Channels: [159],
  ChapCountry: [67, 126],
  ChapLanguage: [67, 124],
  ChapProcess: [105, 68],
  ChapProcessCodecID: [105, 85],
  ChapProcessCommand: [105, 17],
  ChapProcessData: [105, 51],
  ChapProcessPrivate: [69, 13],
  ChapProcessTime: [105, 34],
  ChapString: [133],
  ChapterAtom: [182],
  ChapterDisplay: [128],
  ChapterFlagEnabled: [69, 152],
  ChapterFlagHidden: [152],
  ChapterPhysicalEquiv: [99, 195],
  Chapters: [16, 67, 167, 112],
  ChapterSegmentEditionUID: [110, 188],
  ChapterSegmentUID: [110, 103],
  ChapterStringUID: [86, 84],
  ChapterTimeEnd: [146],
  ChapterTimeStart: [145],
  ChapterTrack: [143],
  ChapterTrackNumber: [137],
  ChapterTranslate: [105, 36],
  ChapterTranslateCodec: [105, 191],
  ChapterTranslateEditionUID: [105, 252],
  ChapterTranslateID: [105, 165],
  ChapterUID: [115, 196],
  ChromaSitingHorz: [85, 183],
  ChromaSitingVert: [85, 184],
  ChromaSubsamplingHorz: [85, 179],
  ChromaSubsamplingVert: [85, 180],
  Cluster: [31, 67, 182, 117],
  CodecDecodeAll: [170],
  CodecDelay: [86, 170],
  CodecID: [134],
  CodecName: [37, 134, 136],
  CodecPrivate: [99, 162],
  CodecState: [164],
  Colour: [85, 176],
  ColourSpace: [46, 181, 36],
  ContentCompAlgo: [66, 84],
  ContentCompression: [80, 52],
  ContentCompSettings: [66, 85],
  ContentEncAlgo: [71, 225],
  ContentEncKeyID: [71, 226],
  ContentEncoding: [98, 64],
  ContentEncodingOrder: [80, 49],
  ContentEncodings: [109, 128],
  ContentEncodingScope: [80, 50],
  ContentEncodingType: [80, 51],
  ContentEncryption: [80, 53],
  ContentSigAlgo: [71, 229],
  ContentSigHashAlgo: [71, 230],
  ContentSigKeyID: [71, 228],
  ContentSignature: [71, 227],
  CRC32: [191],
  CueBlockNumber: [83, 120],
  CueClusterPosition: [241],
  CueCodecState: [234],
  CueDuration: [178],
  CuePoint: [187],
  CueReference: [219],
  CueRefTime: [150],
  CueRelativePosition: [240],
  Cues: [28, 83, 187, 107],
  CueTime: [179],
  CueTrack: [247],
  CueTrackPositions: [183],
  DateUTC: [68, 97],
  DefaultDecodedFieldDuration: [35, 78, 122],
  DefaultDuration: [35, 227, 131],
  DiscardPadding: [117, 162],
  DisplayHeight: [84, 186],
  DisplayUnit: [84, 178],
  DisplayWidth: [84, 176],
  DocType: [66, 130],
  DocTypeReadVersion: [66, 133],
  DocTypeVersion: [66, 135],
  Duration: [68, 137],
  EBML: [26, 69, 223, 163],
  EBMLMaxIDLength: [66, 242],
  EBMLMaxSizeLength: [66, 243],
  EBMLReadVersion: [66, 247],
  EBMLVersion: [66, 134],
  EditionEntry: [69, 185],
  EditionFlagDefault: [69, 219],
  EditionFlagHidden: [69, 189],
  EditionFlagOrdered: [69, 221],
  EditionUID: [69, 188],
  FieldOrder: [157],
  FileData: [70, 92],
  FileDescription: [70, 126],
  FileMimeType: [70, 96],
  FileName: [70, 110],
  FileUID: [70, 174],
  FlagDefault: [136],
  FlagEnabled: [185],
  FlagForced: [85, 170],
  FlagInterlaced: [154],
  FlagLacing: [156],
  Info: [21, 73, 169, 102],
  LaceNumber: [204],
  Language: [34, 181, 156],
  LuminanceMax: [85, 217],
  LuminanceMin: [85, 218],
  MasteringMetadata: [85, 208],
  MatrixCoefficients: [85, 177],
  MaxBlockAdditionID: [85, 238],
  MaxCache: [109, 248],
  MaxCLL: [85, 188],
  MaxFALL: [85, 189],
  MinCache: [109, 231],
  MuxingApp: [77, 128],
  Name: [83, 110],
  NextFilename: [62, 131, 187],
  NextUID: [62, 185, 35],
  OutputSamplingFrequency: [120, 181],
  PixelCropBottom: [84, 170],
  PixelCropLeft: [84, 204],
  PixelCropRight: [84, 221],
  PixelCropTop: [84, 187],
  PixelHeight: [186],
  PixelWidth: [176],
  Position: [167],
  PrevFilename: [60, 131, 171],
  PrevSize: [171],
  PrevUID: [60, 185, 35],
  Primaries: [85, 187],
  PrimaryBChromaticityX: [85, 213],
  PrimaryBChromaticityY: [85, 214],
  PrimaryGChromaticityX: [85, 211],
  PrimaryGChromaticityY: [85, 212],
  PrimaryRChromaticityX: [85, 209],
  PrimaryRChromaticityY: [85, 210],
  Range: [85, 185],
  ReferenceBlock: [251],
  ReferencePriority: [250],
  SamplingFrequency: [181],
  Seek: [77, 187],
  SeekHead: [17, 77, 155, 116],
  SeekID: [83, 171],
  SeekPosition: [83, 172],
  SeekPreRoll: [86, 187],
  Segment: [24, 83, 128, 103],
  SegmentFamily: [68, 68],
  SegmentFilename: [115, 132],
  SegmentUID: [115, 164],
  SilentTrackNumber: [88, 215],
  SilentTracks: [88, 84],
  SimpleBlock: [163],
  SimpleTag: [103, 200],
  Slices: [142],
  StereoMode: [83, 184],
  Tag: [115, 115],
  TagAttachmentUID: [99, 198],
  TagBinary: [68, 133],
  TagChapterUID: [99, 196],
  TagDefault: [68, 132],
  TagEditionUID: [99, 201],
  TagLanguage: [68, 122],
  TagName: [69, 163],
  Tags: [18, 84, 195, 103],
  TagString: [68, 135],
  TagTrackUID: [99, 197],
  Targets: [99, 192],
  TargetType: [99, 202],
  TargetTypeValue: [104, 202],
  Timestamp: [231],
  TimestampScale: [42, 215, 177],
  TimeSlice: [232],
  Title: [123, 169],
  TrackCombinePlanes: [227],
  TrackEntry: [174],
  TrackJoinBlocks: [233],
  TrackJoinUID: [237],
  TrackNumber: [215],
  TrackOperation: [226],
  TrackOverlay: [111, 171],
  TrackPlane: [228],
  TrackPlaneType: [230],
  TrackPlaneUID: [229],
  Tracks: [22, 84, 174, 107],
  TrackTranslate: [102, 36],
  TrackTranslateCodec: [102, 191],
  TrackTranslateEditionUID: [102, 252],
  TrackTranslateTrackID: [102, 165],
  TrackType: [131],
  TrackUID: [115, 197],
  TransferCharacteristics: [85, 186],
  Video: [224],
  Void: [236],
  WhitePointChromaticityX: [85, 215],
  WhitePointChromaticityY: [85, 216],
  WritingApp: [87, 65]
};

// node_modules/mse-audio-wrapper/src/containers/webm/WEBMContainer.js
var WEBMContainer = class {
  constructor(codec2) {
    switch (codec2) {
      case OPUS: {
        this._codecId = "A_OPUS";
        this._getCodecSpecificTrack = (header2) => [
          new EBML(id.CodecDelay, {
            contents: EBML.getUint32(
              Math.round(header2.preSkip * this._timestampScale)
            )
          }),
          // OPUS codec delay
          new EBML(id.SeekPreRoll, {
            contents: EBML.getUint32(Math.round(3840 * this._timestampScale))
          }),
          // OPUS seek preroll 80ms
          new EBML(id.CodecPrivate, { contents: header2.data })
          // OpusHead bytes
        ];
        break;
      }
      case VORBIS: {
        this._codecId = "A_VORBIS";
        this._getCodecSpecificTrack = (header2) => [
          new EBML(id.CodecPrivate, {
            contents: [
              2,
              // number of packets
              xiphLacing(header2.data, header2.vorbisComments),
              header2.data,
              header2.vorbisComments,
              header2.vorbisSetup
            ]
          })
        ];
        break;
      }
    }
  }
  getInitializationSegment({ header: header2 }) {
    this._timestampScale = 1e9 / header2.sampleRate;
    return new ContainerElement({
      children: [
        new EBML(id.EBML, {
          children: [
            new EBML(id.EBMLVersion, { contents: 1 }),
            new EBML(id.EBMLReadVersion, { contents: 1 }),
            new EBML(id.EBMLMaxIDLength, { contents: 4 }),
            new EBML(id.EBMLMaxSizeLength, { contents: 8 }),
            new EBML(id.DocType, { contents: EBML.stringToByteArray(WEBM) }),
            new EBML(id.DocTypeVersion, { contents: 4 }),
            new EBML(id.DocTypeReadVersion, { contents: 2 })
          ]
        }),
        new EBML(id.Segment, {
          isUnknownLength: true,
          children: [
            new EBML(id.Info, {
              children: [
                new EBML(id.TimestampScale, {
                  contents: EBML.getUint32(
                    Math.floor(this._timestampScale)
                    // Base timestamps on sample rate vs. milliseconds https://www.matroska.org/technical/notes.html#timestamps
                  )
                }),
                new EBML(id.MuxingApp, {
                  contents: EBML.stringToByteArray(MSE_AUDIO_WRAPPER)
                }),
                new EBML(id.WritingApp, {
                  contents: EBML.stringToByteArray(MSE_AUDIO_WRAPPER)
                })
              ]
            }),
            new EBML(id.Tracks, {
              children: [
                new EBML(id.TrackEntry, {
                  children: [
                    new EBML(id.TrackNumber, { contents: 1 }),
                    new EBML(id.TrackUID, { contents: 1 }),
                    new EBML(id.FlagLacing, { contents: 0 }),
                    new EBML(id.CodecID, {
                      contents: EBML.stringToByteArray(this._codecId)
                    }),
                    new EBML(id.TrackType, { contents: 2 }),
                    // audio
                    new EBML(id.Audio, {
                      children: [
                        new EBML(id.Channels, { contents: header2.channels }),
                        new EBML(id.SamplingFrequency, {
                          contents: EBML.getFloat64(header2.sampleRate)
                        }),
                        new EBML(id.BitDepth, { contents: header2.bitDepth })
                      ]
                    }),
                    ...this._getCodecSpecificTrack(header2)
                  ]
                })
              ]
            })
          ]
        })
      ]
    }).contents;
  }
  getMediaSegment(frames) {
    const offsetSamples = frames[0].totalSamples;
    return new EBML(id.Cluster, {
      children: [
        new EBML(id.Timestamp, {
          contents: EBML.getUintVariable(offsetSamples)
          // Absolute timecode of the cluster
        }),
        ...frames.map(
          ({ data: data2, totalSamples: totalSamples2 }) => new EBML(id.SimpleBlock, {
            contents: [
              129,
              // track number
              EBML.getInt16(totalSamples2 - offsetSamples),
              // timestamp relative to cluster Int16
              128,
              // No lacing
              data2
              // ogg page contents
            ]
          })
        )
      ]
    }).contents;
  }
};

// node_modules/mse-audio-wrapper/src/MSEAudioWrapper.js
var noOp2 = () => {
};
var getWrappedMimeType = (codec2, container = WEBM) => {
  switch (codec2) {
    case "mpeg":
      return `${AUDIO_MP4}"${MP3}"`;
    case "aac":
      return `${AUDIO_MP4}"${MP4A_40_2}"`;
    case "flac":
      return `${AUDIO_MP4}"${FLAC}"`;
    case "vorbis":
      return `${AUDIO_WEBM}"${VORBIS}"`;
    case "opus":
      return container === WEBM ? `${AUDIO_WEBM}"${OPUS}"` : `${AUDIO_MP4}"${OPUS}"`;
  }
};
var MSEAudioWrapper = class {
  /**
   * @description Wraps audio data into media source API compatible containers
   * @param {string} mimeType Mimetype of the audio data to wrap
   * @param {string} options.codec Codec of the audio data to wrap
   * @param {object} options.preferredContainer Preferred audio container to output if multiple containers are available
   * @param {number} options.minBytesPerSegment Minimum number of bytes to process before returning a media segment
   * @param {number} options.minFramesPerSegment Minimum number of frames to process before returning a media segment
   * @param {number} options.minBytesPerSegment Minimum number of bytes to process before returning a media segment
   * @param {boolean} options.enableLogging Set to true to enable debug logging
   */
  constructor(mimeType2, options = {}) {
    this._inputMimeType = mimeType2;
    this.PREFERRED_CONTAINER = options.preferredContainer || WEBM;
    this.MIN_FRAMES = options.minFramesPerSegment || 4;
    this.MAX_FRAMES = options.maxFramesPerSegment || 50;
    this.MIN_FRAMES_LENGTH = options.minBytesPerSegment || 1022;
    this.MAX_SAMPLES_PER_SEGMENT = Infinity;
    this._onMimeType = options.onMimeType || noOp2;
    if (options.codec) {
      this._container = this._getContainer(options.codec);
      this._onMimeType(this._mimeType);
    }
    this._frames = [];
    this._codecParser = new codec_parser_default(mimeType2, {
      onCodec: (codec2) => {
        this._container = this._getContainer(codec2);
        this._onMimeType(this._mimeType);
      },
      onCodecUpdate: options.onCodecUpdate,
      enableLogging: options.enableLogging,
      enableFrameCRC32: false
    });
  }
  /**
   * @public
   * @returns The mimetype being returned from MSEAudioWrapper
   */
  get mimeType() {
    return this._mimeType;
  }
  /**
   * @public
   * @returns The mimetype of the incoming audio data
   */
  get inputMimeType() {
    return this._inputMimeType;
  }
  /**
   * @public
   * @description Returns an iterator for the passed in codec data.
   * @param {Uint8Array | Array<Frame>} chunk Next chunk of codec data to read
   * @returns {Iterator} Iterator that operates over the codec data.
   * @yields {Uint8Array} Movie Fragments containing codec frames
   */
  *iterator(chunk) {
    if (chunk.constructor === Uint8Array) {
      yield* this._processFrames(
        [...this._codecParser.parseChunk(chunk)].flatMap(
          (frame2) => frame2.codecFrames || frame2
        )
      );
    } else if (Array.isArray(chunk)) {
      yield* this._processFrames(chunk);
    }
  }
  /**
   * @private
   */
  *_processFrames(frames) {
    this._frames.push(...frames);
    if (this._frames.length) {
      const groups = this._groupFrames();
      if (groups.length) {
        if (!this._sentInitialSegment) {
          this._sentInitialSegment = true;
          yield this._container.getInitializationSegment(groups[0][0]);
        }
        for (const frameGroup of groups) {
          yield this._container.getMediaSegment(frameGroup);
        }
      }
    }
  }
  /**
   * @private
   */
  _groupFrames() {
    const groups = [[]];
    let currentGroup = groups[0];
    let samples2 = 0;
    for (const frame2 of this._frames) {
      if (currentGroup.length === this.MAX_FRAMES || samples2 >= this.MAX_SAMPLES_PER_SEGMENT) {
        samples2 = 0;
        groups.push(currentGroup = []);
      }
      currentGroup.push(frame2);
      samples2 += frame2.samples;
    }
    this._frames = currentGroup.length < this.MIN_FRAMES || currentGroup.reduce((acc, frame2) => acc + frame2.data.length, 0) < this.MIN_FRAMES_LENGTH ? groups.pop() : [];
    return groups;
  }
  /**
   * @private
   */
  _getContainer(codec2) {
    this._mimeType = getWrappedMimeType(codec2, this.PREFERRED_CONTAINER);
    switch (codec2) {
      case "mpeg":
        return new ISOBMFFContainer(MP3);
      case "aac":
        return new ISOBMFFContainer(MP4A_40_2);
      case "flac":
        return new ISOBMFFContainer(FLAC);
      case "vorbis":
        this.MAX_SAMPLES_PER_SEGMENT = 32767;
        return new WEBMContainer(VORBIS);
      case "opus":
        if (this.PREFERRED_CONTAINER === WEBM) {
          this.MAX_SAMPLES_PER_SEGMENT = 32767;
          return new WEBMContainer(OPUS);
        }
        return new ISOBMFFContainer(OPUS);
    }
  }
};
export {
  MSEAudioWrapper as default
};
