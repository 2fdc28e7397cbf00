import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { shuttingDown } from "../call/call-failure.js";
import type { ServerReflection, ServerReflectionRequest } from "../gen/grpc/reflection/v1/reflection_pb.js";
import type {
  ServerReflection as ServerReflectionAlpha,
  ServerReflectionRequest as ServerReflectionRequestAlpha,
} from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
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

/** What can be asked about compiled proto files: which one defines a name, and what it imports. */
export class DescriptorIndex {
  readonly #files = new Map<string, DescFile>();
  readonly #bySymbol = new Map<string, DescFile>();
  /** By the extended message's full name, then by number. */
  readonly #extensions = new Map<string, Map<number, DescFile>>();
  readonly #services: string[] = [];

  /** @param files those that define services; what they import is found through them */
  constructor(files: readonly DescFile[]) {
    for (const file of files) {
      this.#add(file);
      for (const service of file.services) this.#services.push(service.typeName);
    }
  }

  get services(): readonly string[] {
    return this.#services;
  }

  fileByName(path: string): DescFile | undefined {
    return this.#files.get(path);
  }

  fileBySymbol(fullName: string): DescFile | undefined {
    return this.#bySymbol.get(fullName);
  }

  fileByExtension(extendedType: string, number: number): DescFile | undefined {
    return this.#extensions.get(extendedType)?.get(number);
  }

  /** Undefined where no such message is known. */
  extensionNumbers(extendedType: string): number[] | undefined {
    const numbers = this.#extensions.get(extendedType);
    if (numbers !== undefined) return [...numbers.keys()];
    return this.#bySymbol.has(extendedType) ? [] : undefined;
  }

  #add(file: DescFile): void {
    const path = `${file.name}.proto`;
    if (this.#files.has(path)) return;
    this.#files.set(path, file);
    for (const imported of file.dependencies) this.#add(imported);
    for (const symbol of symbolsOf(file)) this.#bySymbol.set(symbol, file);
    for (const type of nestedTypes(file)) {
      if (type.kind !== "extension") continue;
      const numbers = this.#extensions.get(type.extendee.typeName) ?? new Map<number, DescFile>();
      this.#extensions.set(type.extendee.typeName, numbers.set(type.number, file));
    }
  }
}

/** The file and all that it imports, itself first, each as a serialized FileDescriptorProto. */
function serializedWithImports(file: DescFile): Uint8Array[] {
  const seen = new Set<DescFile>();
  const visit = (next: DescFile) => {
    if (seen.has(next)) return;
    seen.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  return Array.from(seen, ({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
}

function* symbolsOf(file: DescFile): Iterable<string> {
  for (const type of nestedTypes(file)) {
    yield type.typeName;
    switch (type.kind) {
      case "message":
        for (const member of type.members) yield `${type.typeName}.${member.name}`;
        for (const oneof of type.oneofs) yield `${type.typeName}.${oneof.name}`;
        break;
      case "enum":
        // The values of an enum are named beside it, not within it.
        for (const value of type.values) yield type.typeName.slice(0, -type.name.length) + value.name;
        break;
      case "service":
        for (const method of type.methods) yield `${type.typeName}.${method.name}`;
        break;
      case "extension":
        break;
    }
  }
}
