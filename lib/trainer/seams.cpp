#include "lib/trainer/seams.h"

#include "lib/trainer/adam.h"
#include "lib/trainer/arena.h"
#include "lib/trainer/checkpoint.h"
#include "lib/trainer/parameters.h"
#include "lib/trainer/tape.h"

namespace leakhunt::trainer {
inline namespace LEAKHUNT_PRECISION {

Seams::Seams()
    : make_arena([](std::pmr::memory_resource& chunks, std::size_t chunk_bytes, ArenaObserver* observer) {
        return std::make_unique<Arena>(chunks, chunk_bytes, observer);
      }),
      make_tape([](std::pmr::memory_resource& nodes) { return std::make_unique<Tape>(nodes); }),
      write_tensors([](CheckpointWriter& writer, const ParameterStore& parameters, const Adam& adam) {
        writer.write(parameters.values());
        writer.write(adam.m());
        writer.write(adam.v());
      }),
      read_tensors([](CheckpointReader& reader, const ParameterStore& parameters, const Adam& adam) {
        reader.read(parameters.values());
        reader.read(adam.m());
        reader.read(adam.v());
      }) {}

}  // namespace LEAKHUNT_PRECISION
}  // namespace leakhunt::trainer
