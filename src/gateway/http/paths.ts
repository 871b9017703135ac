export const CHAT_PATH = '/v1/chat/completions';
/** Base URLs are pasted with and without `/v1` (contract.md). */
export const UNPREFIXED_CHAT_PATH = '/chat/completions';
