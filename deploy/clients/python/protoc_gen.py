"""Plugin for buf that makes Python messages, their types and gRPC stubs.

grpcio-tools has the compiler and all three generators, but as one program and
not as the plugins that buf starts. This hands it what buf has already parsed,
so that no .proto file is read twice, and no protoc need be installed.
"""

import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from grpc_tools import protoc


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    """Answers a request of the compiler with the files of all three generators."""
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    with tempfile.TemporaryDirectory() as folder:
        parsed = pathlib.Path(folder, "parsed")
        parsed.write_bytes(descriptor_pb2.FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = pathlib.Path(folder, "out")
        out.mkdir()
        status = protoc.main(
            ["protoc", f"--descriptor_set_in={parsed}", f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}"]
            + list(request.file_to_generate)
        )
        if status != 0:
            response.error = f"grpcio-tools ended with status {status}; what it said stands above"
        for file in sorted(f for f in out.rglob("*") if f.is_file()):
            response.file.add(name=file.relative_to(out).as_posix(), content=file.read_text())
    return response


if __name__ == "__main__":
    asked = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(generate(asked).SerializeToString())
