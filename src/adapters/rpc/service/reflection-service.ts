import type { DescFile } from "@bufbuild/protobuf";
import { Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { shuttingDown } from "../call/call-failure.js";
import type { ServerReflection, ServerReflectionRequest } from "../gen/grpc/reflection/v1/reflection_pb.js";
import type {
  ServerReflection as ServerReflectionAlpha,
  ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { type DescriptorIndex, serializedWithImports } from "./descriptor-index.js";
import { quoted } from "./request-reader.js";

/** The two versions differ in their package alone. */
type Question = (ServerReflectionRequest | ServerReflectionRequestAlpha)["messageRequest"];

/** @param shutdownSignal ends every stream, which else its caller could hold open for ever */
export function reflectionService(
  index: DescriptorIndex,
  shutdownSignal: AbortSignal,
): ServiceImpl<typeof ServerReflection> {
  return {
    async *serverReflectionInfo(requests, context) {
      for await (const request of untilShutdown(requests, context, shutdownSignal)) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(index, request.messageRequest),
        };
      }
    },
  };
}

/** As reflectionService, in the version that older tools know. */
export function reflectionAlphaService(
  index: DescriptorIndex,
  shutdownSignal: AbortSignal,
): ServiceImpl<typeof ServerReflectionAlpha> {
  return {
    async *serverReflectionInfo(requests, context) {
      for await (const request of untilShutdown(requests, context, shutdownSignal)) {
        yield {
          validHost: request.host,
          originalRequest: request,
          messageResponse: answer(index, request.messageRequest),
        };
      }
    },
  };
}

function answer(index: DescriptorIndex, question: Question) {
  switch (question.case) {
    case "fileByFilename":
      return fileAnswer(index.fileByName(question.value), `file ${quoted(question.value)}`);
    case "fileContainingSymbol":
      return fileAnswer(index.fileBySymbol(question.value), `symbol ${quoted(question.value)}`);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const file = index.fileByExtension(containingType, extensionNumber);
      return fileAnswer(file, `extension ${extensionNumber} of ${quoted(containingType)}`);
    }
    case "allExtensionNumbersOfType": {
      const extensionNumber = index.extensionNumbers(question.value);
      if (extensionNumber === undefined)
        return errorAnswer(Code.NotFound, `there is no message ${quoted(question.value)}`);
      return { case: "allExtensionNumbersResponse", value: { baseTypeName: question.value, extensionNumber } } as const;
    }
    case "listServices":
      return { case: "listServicesResponse", value: { service: index.services.map((name) => ({ name })) } } as const;
    case undefined:
      return errorAnswer(Code.InvalidArgument, "message_request is empty: set one of its fields");
  }
}

function fileAnswer(file: DescFile | undefined, what: string) {
  if (file === undefined) return errorAnswer(Code.NotFound, `there is no ${what}`);
  return { case: "fileDescriptorResponse", value: { fileDescriptorProto: serializedWithImports(file) } } as const;
}

function errorAnswer(code: Code, errorMessage: string) {
  return { case: "errorResponse", value: { errorCode: code, errorMessage } } as const;
}

async function* untilShutdown<T>(
  requests: AsyncIterable<T>,
  { signal }: HandlerContext,
  shutdownSignal: AbortSignal,
): AsyncIterable<T> {
  const iterator = requests[Symbol.asyncIterator]();
  const ended = new AbortController();
  const shutdown = new Promise<never>((_, reject) => {
    const onShutdown = () => reject(shuttingDown());
    if (shutdownSignal.aborted) onShutdown();
    shutdownSignal.addEventListener("abort", onShutdown, { signal: ended.signal });
  });
  try {
    while (!signal.aborted) {
      const next = await Promise.race([iterator.next(), shutdown]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    ended.abort();
  }
}
