#include "lib/trainer/dataset.h"

namespace leakhunt::trainer {

// Sonnet I, lines 1 to 10 without the last comma.
const std::string_view built_in_text =
    "From fairest creatures we desire increase,\n"
    "That thereby beauty's rose might never die,\n"
    "But as the riper should by time decease,\n"
    "His tender heir might bear his memory:\n"
    "But thou, contracted to thine own bright eyes,\n"
    "Feed'st thy light's flame with self-substantial fuel,\n"
    "Making a famine where abundance lies,\n"
    "Thyself thy foe, to thy sweet self too cruel.\n"
    "Thou that art now the world's fresh ornament\n"
    "And only herald to the gaudy spring";

}  // namespace leakhunt::trainer
